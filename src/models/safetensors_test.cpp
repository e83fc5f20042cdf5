#include "models/safetensors.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone {
namespace {

// A file with this header and so many bytes of data.
std::string file_of(const std::string& header, std::size_t data) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>((header.size() >> (8 * i)) & 255U);
  return out + header + std::string(data, '\1');
}

std::string complaint(const std::string& file) {
  try {
    read_safetensors(file, "w");
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    return e.what();
  }
  return "";
}

TEST(Safetensors, SaysWhatIsWhere) {
  const std::string header = R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I64","shape":[],"data_offsets":[24,32]}})";
  const auto tensors = read_safetensors(file_of(header, 32), "w");
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(tensors[0].begin, 8 + header.size());
  EXPECT_EQ(tensors[0].end, 8 + header.size() + 24);
  EXPECT_EQ(tensors[1].dtype, "I64");
}

TEST(Safetensors, RefusesWhatDoesNotFitTheFile) {
  EXPECT_NE(complaint("1234567").find("7 bytes"), std::string::npos);
  EXPECT_NE(complaint(std::string(8, '\xff')).find("in a file of 8"), std::string::npos);
  EXPECT_NE(complaint(file_of("[]", 0)).find("expected a header that is an object"), std::string::npos);
  EXPECT_NE(complaint(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7)).find("w: a: shape and data"), std::string::npos);
  EXPECT_NE(complaint(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8)).find("don't fit"), std::string::npos);
  EXPECT_NE(complaint(file_of(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8)).find("don't fit"), std::string::npos);
  EXPECT_NE(complaint(file_of(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})", 8)).find("w: a.shape[0]"), std::string::npos);
}

TEST(Safetensors, RefusesDataThatLieWhereTheyMustNot) {
  const auto two = [](const char* a, const char* b, std::size_t data) {
    return complaint(file_of(std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)") + a + R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + b + "}}", data));
  };
  EXPECT_EQ(two("[0,8]", "[8,16]", 16), "");
  EXPECT_EQ(two("[8,16]", "[0,8]", 16), "");  // in any order
  EXPECT_EQ(two("[0,8]", "[4,12]", 12), "w: b: expected its data at offset 8, got 4 (inside another tensor)");
  EXPECT_EQ(two("[0,8]", "[0,8]", 8), "w: b: expected its data at offset 8, got 0 (inside another tensor)");
  EXPECT_EQ(two("[0,8]", "[12,20]", 20), "w: b: expected its data at offset 8, got 12 (a gap)");
  EXPECT_EQ(two("[0,8]", "[8,16]", 20), "w: 4 bytes at the end belong to no tensor");
  EXPECT_NE(two("[-8,0]", "[0,8]", 8).find("w: a.data_offsets[0]"), std::string::npos);
  EXPECT_NE(two("[0,8]", "[8,18446744073709551615]", 16).find("w: b.data_offsets[1]"), std::string::npos);
  EXPECT_NE(two("[0,8,16]", "[8,16]", 16).find("w: a: shape and data don't fit"), std::string::npos);
  // A header longer than any model needs is refused before it is read.
  std::string huge = file_of(std::string(17 << 20, ' '), 0);
  EXPECT_NE(complaint(huge).find("expected a header of at most 16777216 bytes, got 17825792"), std::string::npos);
}

// 2^40 * 2^40 * 4 is 0 in 64 bits: such a shape once counted as one that fits no data at all.
TEST(Safetensors, AShapeTooLargeToCountDoesNotFit) {
  EXPECT_NE(complaint(file_of(R"({"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,0]}})", 0)).find("don't fit"), std::string::npos);
}

}  // namespace
}  // namespace hone
