#include "charrnn/comm/mpi/half_sum.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace charrnn {
namespace {

// Sign, 8 bits of exponent (bias 127), 7 of fraction: the upper half of a float.
TEST(Bf16, ValuesByHand) {
  EXPECT_EQ(bf16_of(1.0f), 0x3f80);
  EXPECT_EQ(bf16_of(-2.0f), 0xc000);
  EXPECT_EQ(bf16_of(0.0f), 0x0000);
  EXPECT_EQ(bf16_of(-0.0f), 0x8000);
  EXPECT_EQ(float_of_bf16(0x3fc0), 1.5f);
  EXPECT_EQ(float_of_bf16(0xff80), -std::numeric_limits<float>::infinity());
}

TEST(Bf16, RoundsToNearestTiesToEven) {
  EXPECT_EQ(bf16_of(257.0f), 0x4380);  // halfway between 256 and 258: 256, whose last bit is 0
  EXPECT_EQ(bf16_of(259.0f), 0x4382);  // halfway between 258 and 260: 260
  EXPECT_EQ(bf16_of(std::nextafter(257.0f, 300.0f)), 0x4381);  // a little more: 258
  EXPECT_EQ(bf16_of(std::nextafter(259.0f, 0.0f)), 0x4381);    // a little less: 258
  EXPECT_EQ(bf16_of(511.5f), 0x4400);                          // carries into the exponent: 512
  EXPECT_EQ(bf16_of(-257.0f), 0xc380);
}

TEST(Bf16, TheEnds) {
  EXPECT_EQ(bf16_of(std::numeric_limits<float>::max()), 0x7f80) << "rounds up to infinity";
  EXPECT_EQ(bf16_of(std::numeric_limits<float>::infinity()), 0x7f80);
  EXPECT_EQ(bf16_of(float_of_bf16(0x7f7f)), 0x7f7f) << "the largest finite one";
  EXPECT_EQ(bf16_of(float_of_bf16(0x0001)), 0x0001) << "the smallest subnormal";
  EXPECT_EQ(bf16_of(std::numeric_limits<float>::denorm_min()), 0x0000);
}

TEST(Bf16, NanStaysNan) {
  // A payload that lies in the cut half only, and one that rounding would carry into the sign.
  for (const uint32_t bits : {0x7f800001u, 0x7fffffffu, 0xffffffffu, 0x7fc00000u}) {
    EXPECT_TRUE(std::isnan(float_of_bf16(bf16_of(std::bit_cast<float>(bits))))) << std::hex << bits;
  }
}

TEST(Bf16, EveryValueComesBack) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const float value = float_of_bf16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(bf16_of(value), bits);
  }
}

TEST(Bf16, Sum) {
  const std::vector<uint16_t> from{0x3f80, 0x3f80, 0x4040, 0x7f80, 0x7f7f, 0xbf80};
  std::vector<uint16_t> to{0x4000, 0x4380, 0x4380, 0xff80, 0x7f7f, 0x3f80};
  add_bf16(from, to);
  EXPECT_EQ(to[0], 0x4040);                       // 1 + 2
  EXPECT_EQ(to[1], 0x4380);                       // 1 + 256, a tie, to even
  EXPECT_EQ(to[2], 0x4382);                       // 3 + 256, a tie, to even
  EXPECT_TRUE(std::isnan(float_of_bf16(to[3])));  // infinity - infinity
  EXPECT_EQ(to[4], 0x7f80);                       // overflow
  EXPECT_EQ(to[5], 0x0000);                       // 1 - 1
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

// Long ones are vectorized: each element as if alone, at any length.
TEST(HalfSum, LongSumsAreThoseOfSingleElements) {
  std::mt19937 random(7);
  for (const size_t length : {0u, 1u, 7u, 33u, 1003u}) {
    std::vector<uint16_t> from(length);
    std::vector<uint16_t> to(length);
    for (size_t i = 0; i < length; ++i) {
      from[i] = static_cast<uint16_t>(random() & 0xbbff);  // no exponent of ones, in neither format
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
