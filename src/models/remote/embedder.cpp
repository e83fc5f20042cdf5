#include "models/remote/embedder.h"

#include <algorithm>
#include <cmath>

#include "models/errand.h"
#include "models/remote/model.h"
#include "wire/read.h"

namespace hone::remote {
namespace {

constexpr std::size_t texts_a_request = 64;

std::vector<float> unit(const wire::Json& json, const std::string& at) {
  const auto numbers = wire::Fields::elements<double>(json, at, wire::read_double);
  double largest = 0.0, square = 0.0;
  for (const double x : numbers) largest = std::max(largest, std::isfinite(x) ? std::abs(x) : HUGE_VAL);
  if (!(largest > 0.0) || !std::isfinite(largest)) throw Error(Fault::bad_input, at + ": expected a vector that has a direction, got one of length " + std::to_string(largest));
  for (const double x : numbers) square += (x / largest) * (x / largest);  // so that no square is too large or too small for a number
  std::vector<float> out;
  for (const double x : numbers) out.push_back(static_cast<float>(x / largest / std::sqrt(square)));
  return out;
}

}  // namespace

RemoteEmbedder::RemoteEmbedder(const std::string& spec, const RemoteOptions& options) : server_(parse_address(spec), options) {
  const Listed listed = choose_model(server_);
  model_ = listed.id;
  facts_ = facts_of(server_, listed);
  const std::string_view word = "dimension";
  dimensions_ = static_cast<int>(vectors({&word, 1})[0].size());
}

std::vector<std::vector<float>> RemoteEmbedder::vectors(std::span<const std::string_view> texts) {
  wire::Json input = wire::Json::array();
  std::size_t bytes = 0;
  for (const std::string_view text : texts) {
    input.push_back(text.empty() ? " " : wire::valid_utf8(text));
    bytes += text.size();
  }
  const std::string at = server_.url("/embeddings") + ": reply";
  const Answered answered = server_.ask({.path = "/embeddings", .body = {{"model", model_}, {"input", std::move(input)}, {"encoding_format", "float"}}});
  Usage used = usage_of(answered, bytes);
  used.calls = 0;  // those of models are counted
  Errand::spend(used);
  const wire::Json& reply = answered.reply;
  const wire::Json& data = wire::Fields(reply, at).required("data");
  if (!data.is_array() || data.size() != texts.size())
    throw Error(Fault::bad_input, at + ".data: expected " + std::to_string(texts.size()) + " vectors, got " + (data.is_array() ? std::to_string(data.size()) : data.type_name()));
  std::vector<std::vector<float>> out(texts.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::string here = at + ".data[" + std::to_string(i) + "]";
    const wire::Fields fields(data[i], here);
    auto index = static_cast<std::int64_t>(i);
    fields.get("index", index);
    if (index < 0 || index >= static_cast<std::int64_t>(out.size()) || !out[static_cast<std::size_t>(index)].empty())
      throw Error(Fault::bad_input, here + ".index: expected each number below " + std::to_string(out.size()) + " once, got " + std::to_string(index));
    std::vector<float> row = unit(fields.required("embedding"), fields.at("embedding"));
    if (dimensions_ != 0 && static_cast<int>(row.size()) != dimensions_)
      throw Error(Fault::bad_input, here + ".embedding: expected " + std::to_string(dimensions_) + " numbers, as in the first vector, got " + std::to_string(row.size()));
    out[static_cast<std::size_t>(index)] = std::move(row);
  }
  return out;
}

void RemoteEmbedder::embed(std::span<const std::string_view> texts, std::span<float> out) {
  const auto width = static_cast<std::size_t>(dimensions_);
  if (out.size() != texts.size() * width)
    throw Error(Fault::internal, "embed: expected room for " + std::to_string(texts.size()) + " x " + std::to_string(width) + " numbers, got " + std::to_string(out.size()));
  for (std::size_t done = 0; done < texts.size(); done += texts_a_request) {
    const std::size_t n = std::min(texts_a_request, texts.size() - done);
    const auto rows = vectors(texts.subspan(done, n));
    for (std::size_t i = 0; i < n; ++i) std::copy(rows[i].begin(), rows[i].end(), out.begin() + static_cast<std::ptrdiff_t>((done + i) * width));
  }
}

}  // namespace hone::remote
