#include "nn/product.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "nn/parameters.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

using Shape = std::pair<std::int64_t, std::int64_t>;  // out, in

// Whether rows come out the same to the bit in another order, for random rows and a random weight of this shape.
bool steady(Shape shape, int rows, at::ScalarType type, at::Generator& draw) {
  const auto random = [&](std::int64_t n, std::int64_t m) {  // a few thousand numbers over and over: millions would take longer than the products
    const at::Tensor some = at::empty({4093}).normal_(0.0, 1.0, draw);
    return some.repeat({n * m / 4093 + 1}).narrow(0, 0, n * m).view({n, m}).to(type);
  };
  const at::Tensor x = random(rows, shape.second), weight = random(shape.first, shape.second).t();
  const at::Tensor y = at::mm(x, weight);
  for (int shift = 1; shift < rows; shift = shift < 4 ? shift + 1 : shift * 2 + 1)
    if (!at::equal(at::mm(x.roll(shift, 0), weight), y.roll(shift, 0))) return false;
  return at::equal(at::mm(x.flip(0), weight), y.flip(0));
}

}  // namespace

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, int slab) {
  if (slab <= 0 || x.size(0) == slab) return at::mm(x, weight.t());
  at::Tensor out = at::empty({x.size(0), weight.size(0)}, x.options());
  for (std::int64_t first = 0; first < x.size(0); first += slab) {
    at::Tensor part = out.narrow(0, first, slab);
    at::mm_out(part, x.narrow(0, first, slab), weight.t());
  }
  return out;
}

int steady_rows(const Parameters& parameters, int most) {
  std::set<Shape> shapes;
  const auto take = [&](const Span& span) {
    const at::Tensor w = parameters.weight(span);
    shapes.emplace(w.size(0), w.size(1));
  };
  for (const auto& layer : parameters.layout().layers)
    for (const Span* span : {&layer.qkv, &layer.out, &layer.gate_up, &layer.down}) take(*span);
  take(parameters.layout().head);
  const at::ScalarType type = parameters.weight(parameters.layout().head).scalar_type();

  static std::mutex mutex;
  static std::map<std::tuple<int, at::ScalarType, std::set<Shape>>, int> known;
  const std::lock_guard lock(mutex);
  const auto [it, fresh] = known.try_emplace({most, type, shapes}, 1);
  at::Generator draw = at::detail::createCPUGenerator(1);
  for (int rows = 64; fresh && rows > 1; rows /= 2)
    if (rows <= most && std::all_of(shapes.begin(), shapes.end(), [&](const Shape& s) { return steady(s, rows, type, draw); })) {
      it->second = rows;
      break;
    }
  return it->second;
}

}  // namespace hone::nn
