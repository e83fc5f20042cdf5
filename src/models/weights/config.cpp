#include "models/weights/config.h"

#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "wire/json.h"
#include "wire/read.h"

namespace hone {

namespace {

constexpr std::array<std::pair<Family, const char*>, 3> architectures{
    {{Family::llama, "LlamaForCausalLM"}, {Family::qwen2, "Qwen2ForCausalLM"}, {Family::qwen3, "Qwen3ForCausalLM"}}};

Error bad(const std::string& at, const std::string& what) { return {Fault::bad_input, at + ": " + what}; }

Family family_of(const std::string& name, const std::string& at, const char* field) {
  for (const auto& [family, unused] : architectures)
    if (name == to_string(family)) return family;
  throw bad(at, std::string(field) + ": expected llama, qwen2 or qwen3, got '" + wire::shortened(name) + "'");
}

// Present and not null.
const wire::Json* given(const wire::Json& config, const char* field) {
  const auto it = config.find(field);
  return it == config.end() || it->is_null() ? nullptr : &*it;
}

class ConfigReader {
 public:
  ConfigReader(const wire::Json& config, const std::string& at) : config_(config), at_(at) {}

  int whole(const char* field, std::int64_t high) const {
    const wire::Json* j = given(config_, field);
    if (j == nullptr) throw bad(at_, std::string(field) + " is missing");
    return static_cast<int>(wire::read_int(*j, at_ + "." + field, 1, high));
  }
  int whole_or(const char* field, std::int64_t high, int standard) const { return given(config_, field) != nullptr ? whole(field, high) : standard; }
  bool flag_or(const char* field, bool standard) const {
    const wire::Json* j = given(config_, field);
    return j == nullptr ? standard : wire::read_bool(*j, at_ + "." + field);
  }
  float number_or(const char* field, double standard) const {
    const wire::Json* j = given(config_, field);
    return static_cast<float>(j == nullptr ? standard : wire::read_double(*j, at_ + "." + field));
  }
  void only(const char* field, const wire::Json& accepted) const {
    const wire::Json* j = given(config_, field);
    if (j != nullptr && *j != accepted)
      throw bad(at_, std::string(field) + ": only " + accepted.dump() + " is supported, got " + wire::shortened(wire::dump(*j)));
  }

 private:
  const wire::Json& config_;
  const std::string& at_;
};

// Older files write rope_theta beside the rest and scaling under rope_scaling, newer ones both under rope_parameters.
float rope_theta(const wire::Json& config, const std::string& at) {
  float theta = ConfigReader(config, at).number_or("rope_theta", 10000.0);
  for (const char* field : {"rope_scaling", "rope_parameters"}) {
    const wire::Json* rope = given(config, field);
    if (rope == nullptr) continue;
    const std::string where = at + "." + field;
    if (!rope->is_object()) wire::expected(where, "an object", *rope);
    for (const char* name : {"rope_type", "type"})
      if (const wire::Json* type = given(*rope, name); type != nullptr && *type != "default")
        throw bad(where, "scaled rotary positions (" + wire::shortened(wire::dump(*type)) + ") are not supported");
    if (const wire::Json* partial = given(*rope, "partial_rotary_factor"); partial != nullptr && *partial != 1.0)
      throw bad(where, "partial_rotary_factor: only 1 is supported, got " + wire::shortened(wire::dump(*partial)));
    theta = ConfigReader(*rope, where).number_or("rope_theta", theta);
  }
  return theta;
}

}  // namespace

Arch arch_from_config(std::string_view json, const std::string& at) {
  const wire::Json config = wire::parse(json, at);
  const wire::Fields fields(config, at);  // refuses what is no object
  std::string type;
  fields.need("model_type", type);
  Arch a;
  a.family = family_of(type, at, "model_type");
  const ConfigReader read(config, at);
  a.vocab = read.whole("vocab_size", most_vocab);
  a.width = read.whole("hidden_size", most_width);
  a.layers = read.whole("num_hidden_layers", most_layers);
  a.heads = read.whole("num_attention_heads", most_heads);
  a.ff = read.whole("intermediate_size", 4 * most_width);
  // What a file leaves out is what transformers takes then.
  a.kv_heads = read.whole_or("num_key_value_heads", most_heads, a.family == Family::llama ? a.heads : 32);
  a.head_dim = read.whole_or("head_dim", 1024, a.family == Family::qwen3 ? 128 : a.width / a.heads);
  a.context = read.whole_or("max_position_embeddings", most_context, a.family == Family::llama ? 2048 : 32768);
  a.rope_theta = rope_theta(config, at);
  a.norm_eps = read.number_or("rms_norm_eps", 1e-6);
  a.tied = read.flag_or("tie_word_embeddings", false);
  read.only("hidden_act", "silu");
  read.only("attention_bias", false);
  read.only("mlp_bias", false);
  read.only("use_sliding_window", false);
  read.only("partial_rotary_factor", 1.0);
  read.only("quantization_config", nullptr);
  validate(a, at);
  if (a.family == Family::qwen2 && a.head_dim * a.heads != a.width)
    throw bad(at, "head_dim: expected hidden_size / num_attention_heads in a qwen2, got " + std::to_string(a.head_dim));
  return a;
}

std::string config_from_arch(const Arch& a, int begin, int end, int pad, const std::string& dtype) {
  wire::Json config;
  for (const auto& [family, name] : architectures)
    if (family == a.family) config["architectures"] = wire::Json::array({name});
  config["model_type"] = to_string(a.family);
  config["vocab_size"] = a.vocab;
  config["hidden_size"] = a.width;
  config["intermediate_size"] = a.ff;
  config["num_hidden_layers"] = a.layers;
  config["num_attention_heads"] = a.heads;
  config["num_key_value_heads"] = a.kv_heads;
  config["head_dim"] = a.head_dim;
  config["hidden_act"] = "silu";
  config["attention_bias"] = false;  // the word of Llama and Qwen3; Qwen2's biases are not a choice
  if (a.family == Family::qwen2) config.erase("attention_bias");
  config["max_position_embeddings"] = a.context;
  config["rms_norm_eps"] = wire::number(a.norm_eps);
  config["rope_theta"] = wire::number(a.rope_theta);
  config["rope_parameters"] = {{"rope_theta", wire::number(a.rope_theta)}, {"rope_type", "default"}};
  config["tie_word_embeddings"] = a.tied;
  config["torch_dtype"] = dtype;
  if (begin >= 0) config["bos_token_id"] = begin;
  if (end >= 0) config["eos_token_id"] = end;
  if (pad >= 0) config["pad_token_id"] = pad;
  return config.dump(2) + "\n";
}

Arch arch_from_gguf(const GgufHeader& header, const std::string& at) {
  const auto kind = header.text("general.architecture");
  if (!kind) throw bad(at, "general.architecture is missing");
  Arch a;
  a.family = family_of(*kind, at, "general.architecture");
  const std::string prefix = *kind + ".";
  const auto whole = [&](const char* key, std::int64_t high, std::optional<int> standard) {
    const auto value = header.integer(prefix + key, 1, high);
    if (!value && !standard) throw bad(at, prefix + key + " is missing");
    return value ? static_cast<int>(*value) : *standard;
  };
  a.width = whole("embedding_length", most_width, {});
  a.layers = whole("block_count", most_layers, {});
  a.heads = whole("attention.head_count", most_heads, {});
  a.kv_heads = whole("attention.head_count_kv", most_heads, a.heads);
  a.head_dim = whole("attention.key_length", 1024, a.width / a.heads);
  a.ff = whole("feed_forward_length", 4 * most_width, {});
  a.context = whole("context_length", most_context, {});
  a.rope_theta = static_cast<float>(header.number(prefix + "rope.freq_base").value_or(10000.0));
  const auto eps = header.number(prefix + "attention.layer_norm_rms_epsilon");
  if (!eps) throw bad(at, prefix + "attention.layer_norm_rms_epsilon is missing");
  a.norm_eps = static_cast<float>(*eps);
  a.tied = true;
  for (const GgufTensor& t : header.tensors()) {
    if (t.name == "output.weight") a.tied = false;
    if (t.name == "token_embd.weight") a.vocab = static_cast<int>(std::min<std::int64_t>(t.shape.back(), most_vocab + 1));
    if (t.name.starts_with("rope_freqs") || t.name.starts_with("rope_factors"))
      throw bad(at, wire::shortened(t.name) + ": scaled rotary positions are not supported");
  }
  if (a.vocab == 0) throw bad(at, "token_embd.weight is missing");

  const auto only = [&](const char* key, std::int64_t value) {
    if (header.find(prefix + key) != nullptr) header.integer(prefix + key, value, value);
  };
  only("attention.value_length", a.head_dim);
  only("rope.dimension_count", a.head_dim);
  only("expert_count", 0);
  only("expert_used_count", 0);
  only("vocab_size", a.vocab);
  if (const auto scaling = header.text(prefix + "rope.scaling.type"); scaling && *scaling != "none")
    throw bad(at, prefix + "rope.scaling.type: scaled rotary positions (" + wire::shortened(*scaling) + ") are not supported");
  if (!header.flag(prefix + "attention.causal").value_or(true)) throw bad(at, prefix + "attention.causal: only true is supported, got false");
  constexpr std::array known{"embedding_length", "block_count", "attention.head_count", "attention.head_count_kv", "attention.key_length", "feed_forward_length",
                             "context_length", "rope.freq_base", "attention.layer_norm_rms_epsilon", "attention.value_length", "rope.dimension_count",
                             "expert_count", "expert_used_count", "vocab_size", "rope.scaling.type", "attention.causal"};
  for (const auto& [key, value] : header.values()) {
    if (!key.starts_with(prefix)) continue;
    bool fine = false;
    for (const char* name : known) fine = fine || key.compare(prefix.size(), std::string::npos, name) == 0;
    if (!fine) throw bad(at, wire::shortened(key) + ": what it asks for is not supported");
  }
  validate(a, at);
  return a;
}

}  // namespace hone
