#include "nn/product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/parameters.h"
#include "nn/textbook_kit.h"

namespace hone::nn {
using namespace nn_test;
namespace {

TEST(Product, InSlabsARowDoesNotDependOnItsPlace) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    Arch arch = tiny(Family::llama);
    arch.width = 96;
    arch.ff = 172;
    Parameters p(arch, compute);
    randomise(p, 3);
    const int slab = steady_rows(p, 48);
    ASSERT_GE(slab, 1);
    ASSERT_LE(slab, 32);
    EXPECT_EQ(steady_rows(p, 1), 1);
    const at::Tensor weight = p.weight(p.layout().layers[0].gate_up);
    const at::Tensor x = at::randn({3 * slab, weight.size(1)}).to(weight.scalar_type());
    const at::Tensor y = product(x, weight, slab);
    for (const int shift : {1, slab, slab + 2}) EXPECT_TRUE(at::equal(product(x.roll(shift, 0).contiguous(), weight, slab), y.roll(shift, 0))) << slab << " " << shift;
    EXPECT_LT((product(x, weight).to(at::kFloat) - y.to(at::kFloat)).abs().max().item<float>(), compute == Compute::f32 ? 1e-4F : 0.2F);
  }
}

}  // namespace
}  // namespace hone::nn
