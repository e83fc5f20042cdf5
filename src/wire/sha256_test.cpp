#include "wire/sha256.h"

#include <gtest/gtest.h>
#include <unistd.h>


#include "core/error.h"
#include "core/folder_test_kit.h"

namespace hone {
namespace {

// Vectors of FIPS 180-4's example document (NIST).
TEST(Sha256, MatchesPublishedVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesAndFilesGiveTheSameHash) {
  const std::string text = std::string(3000000, 'x') + "end";
  Sha256 sha;
  for (std::size_t i = 0; i < text.size(); i += 777777) sha.update(std::string_view(text).substr(i, 777777));
  EXPECT_EQ(sha.hex(), sha256_hex(text));
  const test::Folder folder;
  const std::filesystem::path path = folder.write("text", text);
  EXPECT_EQ(sha256_file(path), sha256_hex(text));
  std::filesystem::remove(path);
  try {
    sha256_file(path);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::not_found);
  }
}

}  // namespace
}  // namespace hone
