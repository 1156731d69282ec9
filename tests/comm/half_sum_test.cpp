#include "charrnn/comm/mpi/half_sum.h"

#include <gtest/gtest.h>

#include <ios>
#include <random>
#include <vector>

namespace charrnn {
namespace {

// Sign, 8 bits of exponent (bias 127), 7 of fraction: the upper half of a float.
uint16_t bf16_sum(uint16_t a, uint16_t b) {
  add_bf16({&a, 1}, {&b, 1});
  return b;
}

bool is_nan(uint16_t bf16) {
  return (bf16 & 0x7fffu) > 0x7f80u;
}

TEST(Bf16, Sum) {
  EXPECT_EQ(bf16_sum(0x3f80, 0x4000), 0x4040);    // 1 + 2
  EXPECT_EQ(bf16_sum(0xbf80, 0x3f80), 0x0000);    // -1 + 1
  EXPECT_EQ(bf16_sum(0x7f80, 0x3f80), 0x7f80);    // infinity + 1
  EXPECT_TRUE(is_nan(bf16_sum(0x7f80, 0xff80)));  // infinity - infinity
}

TEST(Bf16, RoundsToNearestTiesToEven) {
  EXPECT_EQ(bf16_sum(0x4380, 0x3f80), 0x4380);  // 257, halfway between 256 and 258: 256, whose last bit is 0
  EXPECT_EQ(bf16_sum(0x4380, 0x4040), 0x4382);  // 259, halfway between 258 and 260: 260
  EXPECT_EQ(bf16_sum(0x4380, 0x3f81), 0x4381);  // 256 + 1.0078125, a little more: 258
  EXPECT_EQ(bf16_sum(0x4380, 0x403f), 0x4381);  // 256 + 2.984375, a little less: 258
  EXPECT_EQ(bf16_sum(0x43ff, 0x3fc0), 0x4400);  // 510 + 1.5 carries into the exponent: 512
  EXPECT_EQ(bf16_sum(0xc380, 0xbf80), 0xc380);  // -257
}

TEST(Bf16, TheEnds) {
  EXPECT_EQ(bf16_sum(0x7f7f, 0x7f7f), 0x7f80) << "overflow";
  EXPECT_EQ(bf16_sum(0x7f7f, 0x7b00), 0x7f80)
      << "the largest finite one and half of its last bit round to infinity";
  EXPECT_EQ(bf16_sum(0x7f7f, 0x7a80), 0x7f7f) << "and a quarter of it does not";
  EXPECT_EQ(bf16_sum(0x0001, 0x0001), 0x0002) << "subnormals";
}

TEST(Bf16, NanStaysNan) {
  for (const uint16_t nan : std::vector<uint16_t>{0x7f81, 0x7fff, 0xffff, 0x7fc0}) {
    EXPECT_TRUE(is_nan(bf16_sum(nan, 0x0000))) << std::hex << nan;
  }
}

TEST(Bf16, EveryValuePlusZeroIsItself) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const auto value = static_cast<uint16_t>(bits);
    if (is_nan(value)) continue;
    ASSERT_EQ(bf16_sum(value, 0x8000), value);  // -0, as 0 would make 0 of -0
  }
}

// Sign, 5 bits of exponent (bias 15), 10 of fraction.
TEST(Fp16, Sum) {
  const std::vector<uint16_t> from{0x3c00, 0x3c00, 0x4200, 0x7bff, 0x4800, 0x0001, 0x7c00, 0x7e00};
  std::vector<uint16_t> to{0x4000, 0x6800, 0x6800, 0x7bff, 0x7bff, 0x0001, 0xfc00, 0x3c00};
  add_fp16(from, to);
  EXPECT_EQ(to[0], 0x4200);             // 1 + 2
  EXPECT_EQ(to[1], 0x6800);             // 1 + 2048, a tie, to even
  EXPECT_EQ(to[2], 0x6802);             // 3 + 2048, a tie, to even
  EXPECT_EQ(to[3], 0x7c00);             // 65504 + 65504: infinity
  EXPECT_EQ(to[4], 0x7bff);             // 8 + 65504 = 65512 < 65520: rounds to 65504
  EXPECT_EQ(to[5], 0x0002);             // subnormals
  EXPECT_GT(to[6] & 0x7fffu, 0x7c00u);  // infinity - infinity: not a number
  EXPECT_GT(to[7] & 0x7fffu, 0x7c00u);
}

// Long sums are vectorized: each element must equal the sum of that element alone, at any length.
TEST(HalfSum, LongSumsAreThoseOfSingleElements) {
  std::mt19937 random(7);
  for (const size_t length : {0u, 1u, 7u, 33u, 1003u}) {
    std::vector<uint16_t> from(length);
    std::vector<uint16_t> to(length);
    for (size_t i = 0; i < length; ++i) {
      from[i] = static_cast<uint16_t>(random() & 0xbbff);  // not an exponent of ones in either format
      to[i] = static_cast<uint16_t>(random() & 0xbbff);
    }
    std::vector<uint16_t> bf16 = to;
    std::vector<uint16_t> fp16 = to;
    add_bf16(from, bf16);
    add_fp16(from, fp16);
    for (size_t i = 0; i < length; ++i) {
      uint16_t one_bf16 = to[i];
      uint16_t one_fp16 = to[i];
      add_bf16({&from[i], 1}, {&one_bf16, 1});
      add_fp16({&from[i], 1}, {&one_fp16, 1});
      ASSERT_EQ(bf16[i], one_bf16) << i;
      ASSERT_EQ(fp16[i], one_fp16) << i;
    }
  }
}

}  // namespace
}  // namespace charrnn
