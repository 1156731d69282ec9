#include "charrnn/train/norm_watch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace charrnn {
namespace {

TEST(NormWatch, FirstNormsByHand) {
  // 1, 3, 5: mean 3, variance (4 + 0 + 4) / 3.
  NormStatistics statistics;
  for (const double norm : {1.0, 3.0, 5.0}) EXPECT_FALSE(is_spike(statistics, norm, 2));
  EXPECT_EQ(statistics.count, 3);
  EXPECT_DOUBLE_EQ(statistics.mean, 3);
  EXPECT_DOUBLE_EQ(statistics.variance, 8.0 / 3);
}

NormStatistics learnt() {
  NormStatistics statistics;
  for (int64_t i = 0; i < 1000; ++i) is_spike(statistics, i % 2 == 0 ? 0.9 : 1.1, 4);
  return statistics;
}

TEST(NormWatch, ASpikeLiesSoManyStandardDeviationsAbove) {
  NormStatistics statistics = learnt();
  EXPECT_NEAR(statistics.mean, 1, 0.01);
  EXPECT_NEAR(std::sqrt(statistics.variance), 0.1, 0.005);
  NormStatistics copy = statistics;
  EXPECT_FALSE(is_spike(copy, 1.38, 4));
  copy = statistics;
  EXPECT_TRUE(is_spike(copy, 1.42, 4));
  copy = statistics;
  EXPECT_FALSE(is_spike(copy, 1e-6, 4)) << "small norms are none";
}

TEST(NormWatch, NoneOfTheFirstIsASpike) {
  NormStatistics statistics;
  for (int64_t i = 0; i < kNormsToLearn; ++i) EXPECT_FALSE(is_spike(statistics, i == 20 ? 1000 : 1, 3));
}

TEST(NormWatch, OneSpikeDoesNotHideTheNext) {
  NormStatistics statistics = learnt();
  EXPECT_TRUE(is_spike(statistics, 1e9, 4));
  EXPECT_TRUE(is_spike(statistics, 3, 4));
}

TEST(NormWatch, ALastingRiseBecomesTheNewNormal) {
  NormStatistics statistics = learnt();
  int spikes = 0;
  for (int i = 0; i < 1000; ++i) spikes += is_spike(statistics, i % 2 == 0 ? 2.9 : 3.1, 4) ? 1 : 0;
  EXPECT_GT(spikes, 0);
  EXPECT_LT(spikes, 300);
  EXPECT_FALSE(is_spike(statistics, 3, 4));
}

}  // namespace
}  // namespace charrnn
