#include "charrnn/generate/pick.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "charrnn/core/counter_random.h"

namespace charrnn {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int kDraws = 20000;

double uniform(int draw) {
  return unit_interval(mix64(static_cast<uint64_t>(draw)));
}

std::map<uint32_t, int> counts(std::span<const float> logits, const SampleOptions& options) {
  std::map<uint32_t, int> result;
  for (int draw = 0; draw < kDraws; ++draw) ++result[pick(logits, options, uniform(draw))];
  return result;
}

// Compares the draws of each id with its probability, within five standard deviations of a binomial count.
void expect_shares(const std::map<uint32_t, int>& found, const std::map<uint32_t, double>& probabilities) {
  EXPECT_EQ(found.size(), probabilities.size());
  for (const auto& [id, p] : probabilities) {
    ASSERT_TRUE(found.contains(id)) << id;
    EXPECT_NEAR(found.at(id), p * kDraws, 5 * std::sqrt(p * (1 - p) * kDraws)) << id;
  }
}

// Probabilities 1/10, 4/10, 2/10, 3/10.
const std::array<float, 4> kLogits{0.0F, std::log(4.0F), std::log(2.0F), std::log(3.0F)};

TEST(Pick, DrawsFollowTheSoftmax) {
  expect_shares(counts(kLogits, {}), {{0, 0.1}, {1, 0.4}, {2, 0.2}, {3, 0.3}});
}

TEST(Pick, TemperatureDividesTheLogits) {
  // At 1/2 probabilities are squared: 1, 16, 4, 9 of 30.
  expect_shares(counts(kLogits, {.temperature = 0.5}),
                {{0, 1.0 / 30}, {1, 16.0 / 30}, {2, 4.0 / 30}, {3, 9.0 / 30}});
  const double hot = 1 + 2 + std::sqrt(2.0) + std::sqrt(3.0);
  expect_shares(counts(kLogits, {.temperature = 2}),
                {{0, 1 / hot}, {1, 2 / hot}, {2, std::sqrt(2.0) / hot}, {3, std::sqrt(3.0) / hot}});
}

TEST(Pick, TopKTakesTheLikeliest) {
  expect_shares(counts(kLogits, {.top_k = 2}), {{1, 4.0 / 7}, {3, 3.0 / 7}});
  expect_shares(counts(kLogits, {.top_k = 1}), {{1, 1.0}});
  expect_shares(counts(kLogits, {.top_k = 9}), {{0, 0.1}, {1, 0.4}, {2, 0.2}, {3, 0.3}});
}

TEST(Pick, TopPTakesTheLikeliestThatHoldTheShare) {
  expect_shares(counts(kLogits, {.top_p = 0.6}), {{1, 4.0 / 7}, {3, 3.0 / 7}});  // 0.4 is less, 0.7 is enough
  expect_shares(counts(kLogits, {.top_p = 0.8}), {{1, 4.0 / 9}, {2, 2.0 / 9}, {3, 3.0 / 9}});
  expect_shares(counts(kLogits, {.top_p = 0.39}), {{1, 1.0}});
  expect_shares(counts(kLogits, {.top_p = 0.0}), {{1, 1.0}});
  // Both: of 4/7 and 3/7 the first alone is more than a half.
  expect_shares(counts(kLogits, {.top_k = 2, .top_p = 0.5}), {{1, 1.0}});
}

TEST(Pick, GreedyTakesTheFirstOfTheLikeliest) {
  const std::array<float, 5> logits{-1.0F, 3.0F, 2.999F, 3.0F, -7.0F};
  for (int draw = 0; draw < 50; ++draw) EXPECT_EQ(pick(logits, {.temperature = 0}, uniform(draw)), 1u);
}

TEST(Pick, ATinyTemperatureEqualsGreedy) {
  for (int trial = 0; trial < 200; ++trial) {
    std::array<float, 23> logits{};
    for (size_t i = 0; i < logits.size(); ++i) {
      logits[i] = static_cast<float>(10 * uniform(trial * 23 + static_cast<int>(i)) - 5);
    }
    const uint32_t greedy = pick(logits, {.temperature = 0}, 0.5);
    for (const double temperature : {1e-7, 1e-30, 1e-308, 5e-324}) {
      EXPECT_EQ(pick(logits, {.temperature = temperature}, uniform(trial)), greedy) << temperature;
      EXPECT_EQ(pick(logits, {.temperature = temperature}, 0.0), greedy) << temperature;
      EXPECT_EQ(pick(logits, {.temperature = temperature}, 0x1.fffffffffffffp-1), greedy) << temperature;
    }
  }
}

TEST(Pick, NothingOverflows) {
  const std::array<float, 4> logits{-1e30F, 1e30F, 0.0F, 1e30F};
  for (const double temperature : {1e-7, 1.0, 100.0}) {
    expect_shares(counts(logits, {.temperature = temperature}), {{1, 0.5}, {3, 0.5}});
    expect_shares(counts(logits, {.temperature = temperature, .top_k = 3, .top_p = 0.9}),
                  {{1, 0.5}, {3, 0.5}});
  }
  const std::array<float, 3> lowest{-1e30F, std::numeric_limits<float>::lowest(), -1e30F};
  expect_shares(counts(lowest, {}), {{0, 0.5}, {2, 0.5}});
}

TEST(Pick, WhatIsNoFiniteNumberIsNeverDrawn) {
  const std::array<float, 6> logits{kNan, 0.0F, -kInfinity, std::log(3.0F), kInfinity, kNan};
  expect_shares(counts(logits, {}), {{1, 0.25}, {3, 0.75}});
  expect_shares(counts(logits, {.top_k = 5, .top_p = 0.999}), {{1, 0.25}, {3, 0.75}});
  for (const double temperature : {0.0, 1e-7}) EXPECT_EQ(pick(logits, {.temperature = temperature}, 0.3), 3u);
  const std::array<float, 3> none{kNan, -kInfinity, kInfinity};
  EXPECT_EQ(pick(none, {}, 0.9), 0u);
}

TEST(Pick, TheEndsOfTheUnitInterval) {
  const std::array<float, 4> logits{-kInfinity, 0.0F, 0.0F, -1000.0F};  // e^-1000 is 0
  EXPECT_EQ(pick(logits, {}, 0.0), 1u);
  EXPECT_EQ(pick(logits, {}, 0x1.fffffffffffffp-1), 2u);
  EXPECT_EQ(pick(logits, {}, 1.0), 2u) << "weightless ids are never drawn";
}

}  // namespace
}  // namespace charrnn
