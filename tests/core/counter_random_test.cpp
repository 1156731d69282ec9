#include "charrnn/core/counter_random.h"

#include <gtest/gtest.h>

#include <array>

namespace charrnn {
namespace {

// First output of SplitMix64 from state 0 (the reference implementation).
TEST(CounterRandom, Mix64IsSplitMix64) {
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafu);
}

TEST(CounterRandom, BelowIsUniform) {
  // 70,000 draws over 7 values: each count is binomial with standard deviation 92.6; the bounds are 5 of
  // them.
  std::array<int, 7> counts{};
  for (uint64_t i = 0; i < 70000; ++i) ++counts[below(random_bits(1, Draw::kSample, {i}), 7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 463);
}

TEST(CounterRandom, UsesAndCountersDoNotShareNumbers) {
  EXPECT_NE(random_bits(1, Draw::kSample, {2}), random_bits(1, Draw::kDropout, {2}));
  EXPECT_NE(random_bits(1, Draw::kSample, {2, 3}), random_bits(1, Draw::kSample, {3, 2}));
  EXPECT_NE(random_bits(1, Draw::kSample, {2}), random_bits(2, Draw::kSample, {1}));
}

TEST(CounterRandom, UnitIntervalStaysBelowOne) {
  EXPECT_EQ(unit_interval(0), 0.0);
  EXPECT_LT(unit_interval(~uint64_t{0}), 1.0);
}

}  // namespace
}  // namespace charrnn
