#include "charrnn/core/hash.h"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

// The value of `printf '' | xxhsum -H2`.
TEST(Hash, EmptyTextHasThePublishedValue) {
  EXPECT_EQ(hash_hex(""), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, PiecesHashAsTheWhole) {
  Hasher hasher;
  hasher.add(std::string_view("one "));
  hasher.add(std::string_view("two"));
  EXPECT_EQ(hasher.hex(), hash_hex("one two"));
  EXPECT_NE(hasher.hex(), hash_hex("one twp"));
}

}  // namespace
}  // namespace charrnn
