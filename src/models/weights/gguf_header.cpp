#include "models/weights/gguf_header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "core/error.h"
#include "wire/json.h"

namespace hone {

namespace {

constexpr std::array<std::string_view, 13> type_names{"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
constexpr std::array<std::uint8_t, 13> type_bytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};  // 0: no fixed size
constexpr std::uint64_t longest_key = 65'535, longest_name = 63, most_dimensions = 4, most_tensors = 1 << 16, most_keys = 1 << 16;
constexpr std::uint64_t most_alignment = 1 << 20;

Error bad(const std::string& at, const std::string& what) { return {Fault::bad_input, at + ": " + what}; }

std::size_t bytes_of(GgufType type) { return type_bytes[static_cast<std::size_t>(type)]; }

// Walks through the file; never past its end.
class Cursor {
 public:
  Cursor(std::string_view file, const std::string& at) : file_(file), at_(at) {}

  std::size_t place() const { return place_; }
  std::size_t left() const { return file_.size() - place_; }
  std::string_view since(std::size_t start) const { return file_.substr(start, place_ - start); }

  std::string_view take(std::uint64_t bytes, const std::string& what) {
    if (bytes > left())
      throw bad(at_, what + ": expected " + std::to_string(bytes) + " bytes at byte " + std::to_string(place_) + ", the file has " + std::to_string(left()) + " left (truncated?)");
    const std::string_view out = file_.substr(place_, static_cast<std::size_t>(bytes));
    place_ += out.size();
    return out;
  }
  template <class T>
  T number(const std::string& what) {
    T value{};
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }
  std::string_view text(const std::string& what) { return take(number<std::uint64_t>(what), what); }

  GgufType type(const std::string& what) {
    const auto value = number<std::uint32_t>(what);
    if (value >= type_names.size()) throw bad(at_, what + ": unknown type " + std::to_string(value));
    return static_cast<GgufType>(value);
  }

 private:
  std::string_view file_;
  const std::string& at_;
  std::size_t place_ = 0;
};

// Names end up in messages.
bool visible(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

void check_flags(std::string_view bytes, const std::string& at, const std::string& what) {
  for (const char c : bytes)
    if (c != 0 && c != 1) throw bad(at, what + ": expected a bool, got the byte " + std::to_string(static_cast<unsigned char>(c)));
}

GgufValue read_value(Cursor& cursor, const std::string& at, const std::string& what) {
  GgufValue value;
  value.type = cursor.type(what);
  if (value.type == GgufType::array) {
    value.list = true;
    value.type = cursor.type(what);
    if (value.type == GgufType::array) throw bad(at, what + ": lists of lists are not supported");
    value.count = cursor.number<std::uint64_t>(what);
    const std::size_t least = value.type == GgufType::string ? 8 : bytes_of(value.type);
    if (value.count > cursor.left() / least)
      throw bad(at, what + ": " + std::to_string(value.count) + " elements in a file with " + std::to_string(cursor.left()) + " bytes left (truncated?)");
  }
  const std::size_t start = cursor.place();
  if (value.type == GgufType::string)
    for (std::uint64_t i = 0; i < value.count; ++i) cursor.text(what);
  else
    cursor.take(value.count * bytes_of(value.type), what);  // can't run over: count was held against the file
  value.bytes = cursor.since(start);
  if (value.type == GgufType::boolean) check_flags(value.bytes, at, what);
  return value;
}

GgufTensor read_tensor(Cursor& cursor, const std::string& at, std::uint64_t number, std::uint64_t& offset) {
  const std::string_view name = cursor.text("tensor " + std::to_string(number));
  if (name.empty() || name.size() > longest_name || !visible(name))
    throw bad(at, "tensor " + std::to_string(number) + ": expected a name of 1 to 63 visible characters, got " + std::to_string(name.size()) + " bytes");
  GgufTensor t{std::string(name), nullptr, {}, 0, 0};
  const std::string what = wire::shortened(name);
  const auto dimensions = cursor.number<std::uint32_t>(what);
  if (dimensions < 1 || dimensions > most_dimensions) throw bad(at, what + ": expected 1 to 4 dimensions, got " + std::to_string(dimensions));
  std::uint64_t elements = 1;
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    const auto n = cursor.number<std::int64_t>(what);
    if (n < 1 || static_cast<std::uint64_t>(n) > (std::uint64_t{1} << 62) / elements)
      throw bad(at, what + ": dimension " + std::to_string(d) + " can't be " + std::to_string(n));
    elements *= static_cast<std::uint64_t>(n);
    t.shape.push_back(n);
  }
  const auto type = cursor.number<std::uint32_t>(what);
  t.packing = gguf_packing(type);
  if (t.packing == nullptr) throw bad(at, what + ": unknown tensor type " + std::to_string(type));
  if (t.shape[0] % t.packing->elements != 0)
    throw bad(at, what + ": rows of " + std::to_string(t.shape[0]) + " don't divide into blocks of " + std::to_string(t.packing->elements) + " (" + std::string(t.packing->name) + ")");
  offset = cursor.number<std::uint64_t>(what);
  const std::uint64_t blocks = elements / t.packing->elements;
  if (blocks > std::numeric_limits<std::int64_t>::max() / t.packing->bytes) throw bad(at, what + ": larger than any file");
  t.end = static_cast<std::size_t>(blocks * t.packing->bytes);  // its size for now
  return t;
}

}  // namespace

std::string_view to_string(GgufType type) { return type_names.at(static_cast<std::size_t>(type)); }

const std::vector<GgufPacking>& gguf_packings() {
  static const std::vector<GgufPacking> table{
      {0, "F32", 1, 4},       {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},    {3, "Q4_1", 32, 20},    {6, "Q5_0", 32, 22},    {7, "Q5_1", 32, 24},
      {8, "Q8_0", 32, 34},    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110}, {12, "Q4_K", 256, 144}, {13, "Q5_K", 256, 176}, {14, "Q6_K", 256, 210},
      {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74}, {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50}, {20, "IQ4_NL", 32, 18}, {21, "IQ3_S", 256, 110},
      {22, "IQ2_S", 256, 82}, {23, "IQ4_XS", 256, 136}, {29, "IQ1_M", 256, 56}, {30, "BF16", 1, 2},     {34, "TQ1_0", 256, 54}, {35, "TQ2_0", 256, 66},
      {39, "MXFP4", 32, 17}};
  return table;
}

const GgufPacking* gguf_packing(std::uint32_t type) {
  for (const GgufPacking& p : gguf_packings())
    if (p.type == type) return &p;
  return nullptr;
}

GgufHeader::GgufHeader(std::string_view file, const std::string& at) : at_(at) {
  Cursor cursor(file, at);
  if (file.size() < 4 || cursor.take(4, "magic") != "GGUF") throw bad(at, "expected a GGUF model file (first bytes \"GGUF\"), got something else");
  const auto version = cursor.number<std::uint32_t>("version");
  if (version != 2 && version != 3) throw bad(at, "expected GGUF version 2 or 3, got " + std::to_string(version));
  const auto tensors = cursor.number<std::uint64_t>("number of tensors"), keys = cursor.number<std::uint64_t>("number of keys");
  if (tensors > most_tensors) throw bad(at, "expected at most " + std::to_string(most_tensors) + " tensors, got " + std::to_string(tensors));
  if (keys > most_keys) throw bad(at, "expected at most " + std::to_string(most_keys) + " keys, got " + std::to_string(keys));

  std::unordered_set<std::string_view> seen;
  for (std::uint64_t i = 0; i < keys; ++i) {
    const std::string_view key = cursor.text("key " + std::to_string(i));
    if (key.empty() || key.size() > longest_key || !visible(key)) throw bad(at, "key " + std::to_string(i) + ": expected 1 to 65535 visible characters, got " + std::to_string(key.size()) + " bytes");
    if (!seen.insert(key).second) throw bad(at, wire::shortened(key) + ": the key is there twice");
    values_.emplace_back(std::string(key), read_value(cursor, at, wire::shortened(key)));
  }
  const auto alignment = static_cast<std::uint64_t>(integer("general.alignment", 8, most_alignment).value_or(32));
  if ((alignment & (alignment - 1)) != 0) throw bad(at, "general.alignment: expected a power of two, got " + std::to_string(alignment));

  seen.clear();
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i < tensors; ++i) {
    std::uint64_t offset = 0;
    tensors_.push_back(read_tensor(cursor, at, i, offset));
    offsets.push_back(offset);
  }
  for (const GgufTensor& t : tensors_)
    if (!seen.insert(t.name).second) throw bad(at, wire::shortened(t.name) + ": the tensor is there twice");

  // Data follow each other without gaps in the order of the list: none can lie in another, or outside the file.
  const auto aligned = [&](std::uint64_t n) { return (n + alignment - 1) / alignment * alignment; };
  std::uint64_t place = aligned(cursor.place()), expected = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    GgufTensor& t = tensors_[i];
    const std::uint64_t bytes = t.end;
    if (offsets[i] != expected)
      throw bad(at, wire::shortened(t.name) + ": expected its data at offset " + std::to_string(expected) + ", got " + std::to_string(offsets[i]));
    if (place > file.size() || bytes > file.size() - place)
      throw bad(at, wire::shortened(t.name) + ": expected " + std::to_string(bytes) + " bytes of data at byte " + std::to_string(place) + " in a file of " + std::to_string(file.size()) + " (truncated?)");
    t.begin = static_cast<std::size_t>(place);
    t.end = static_cast<std::size_t>(place + bytes);
    expected += aligned(bytes);
    place += aligned(bytes);
  }
}

const GgufValue* GgufHeader::find(std::string_view key) const {
  for (const auto& [name, value] : values_)
    if (name == key) return &value;
  return nullptr;
}

namespace {

Error mistyped(const std::string& at, std::string_view key, const char* expected, const GgufValue& got) {
  return bad(at, wire::shortened(key) + ": expected " + expected + ", got " + (got.list ? "a list of " : "") + std::string(to_string(got.type)));
}

template <class T>
T raw(std::string_view bytes, std::size_t i = 0) {
  T value{};
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
  return value;
}

std::optional<std::int64_t> whole(const GgufValue& v, std::size_t i) {
  switch (v.type) {
    case GgufType::u8: return raw<std::uint8_t>(v.bytes, i);
    case GgufType::i8: return raw<std::int8_t>(v.bytes, i);
    case GgufType::u16: return raw<std::uint16_t>(v.bytes, i);
    case GgufType::i16: return raw<std::int16_t>(v.bytes, i);
    case GgufType::u32: return raw<std::uint32_t>(v.bytes, i);
    case GgufType::i32: return raw<std::int32_t>(v.bytes, i);
    case GgufType::i64: return raw<std::int64_t>(v.bytes, i);
    case GgufType::u64: return static_cast<std::int64_t>(std::min<std::uint64_t>(raw<std::uint64_t>(v.bytes, i), std::numeric_limits<std::int64_t>::max()));
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<std::int64_t> GgufHeader::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  const auto value = v->list ? std::nullopt : whole(*v, 0);
  if (!value) throw mistyped(at_, key, "a whole number", *v);
  if (*value < low || *value > high)
    throw bad(at_, wire::shortened(key) + ": expected " + std::to_string(low) + " to " + std::to_string(high) + ", got " + std::to_string(*value));
  return value;
}

std::optional<double> GgufHeader::number(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->list && v->type == GgufType::f32) return raw<float>(v->bytes);
  if (!v->list && v->type == GgufType::f64) return raw<double>(v->bytes);
  throw mistyped(at_, key, "a number", *v);
}

std::optional<bool> GgufHeader::flag(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (v->list || v->type != GgufType::boolean) throw mistyped(at_, key, "a bool", *v);
  return v->bytes[0] != 0;
}

std::optional<std::string> GgufHeader::text(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (v->list || v->type != GgufType::string) throw mistyped(at_, key, "a string", *v);
  return std::string(v->bytes.substr(8));
}

std::optional<std::vector<std::string>> GgufHeader::texts(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->list || v->type != GgufType::string) throw mistyped(at_, key, "a list of strings", *v);
  std::vector<std::string> out;
  out.reserve(static_cast<std::size_t>(v->count));
  for (std::size_t place = 0; place < v->bytes.size();) {
    const auto length = raw<std::uint64_t>(v->bytes.substr(place, 8));
    out.emplace_back(v->bytes.substr(place + 8, static_cast<std::size_t>(length)));
    place += 8 + static_cast<std::size_t>(length);
  }
  return out;
}

std::optional<std::vector<std::int32_t>> GgufHeader::integers(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  std::vector<std::int32_t> out;
  if (!v->list) throw mistyped(at_, key, "a list of whole numbers", *v);
  for (std::size_t i = 0; i < v->count; ++i) {
    const auto value = whole(*v, i);
    if (!value || *value < std::numeric_limits<std::int32_t>::min() || *value > std::numeric_limits<std::int32_t>::max())
      throw mistyped(at_, key, "a list of 32-bit whole numbers", *v);
    out.push_back(static_cast<std::int32_t>(*value));
  }
  return out;
}

}  // namespace hone
