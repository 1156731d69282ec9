#include "charrnn/train/norm_watch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace charrnn {
namespace {

TEST(NormWatch, FirstNormsByHand) {
  // 1, 3, 5: mean 3, variance (4 + 0 + 4) / 3.
  NormWatch norms;
  for (const double norm : {1.0, 3.0, 5.0}) EXPECT_FALSE(norms.is_spike(norm, 2));
  EXPECT_EQ(norms.count(), 3);
  EXPECT_DOUBLE_EQ(norms.mean(), 3);
  EXPECT_DOUBLE_EQ(norms.variance(), 8.0 / 3);
}

NormWatch learnt() {
  NormWatch norms;
  for (int64_t i = 0; i < 1000; ++i) norms.is_spike(i % 2 == 0 ? 0.9 : 1.1, 4);
  return norms;
}

TEST(NormWatch, ASpikeIsThatManyStandardDeviationsAbove) {
  NormWatch norms = learnt();
  EXPECT_NEAR(norms.mean(), 1, 0.01);
  EXPECT_NEAR(std::sqrt(norms.variance()), 0.1, 0.005);
  NormWatch copy = norms;
  EXPECT_FALSE(copy.is_spike(1.38, 4));
  copy = norms;
  EXPECT_TRUE(copy.is_spike(1.42, 4));
  copy = norms;
  EXPECT_FALSE(copy.is_spike(1e-6, 4)) << "small norms are not spikes";
}

TEST(NormWatch, NoneOfTheFirstIsASpike) {
  NormWatch norms;
  for (int64_t i = 0; i < NormWatch::kNormsToLearn; ++i) EXPECT_FALSE(norms.is_spike(i == 20 ? 1000 : 1, 3));
}

TEST(NormWatch, OneSpikeDoesNotHideTheNext) {
  NormWatch norms = learnt();
  EXPECT_TRUE(norms.is_spike(1e9, 4));
  EXPECT_TRUE(norms.is_spike(3, 4));
}

TEST(NormWatch, ALastingRiseBecomesTheNewNormal) {
  NormWatch norms = learnt();
  int spikes = 0;
  for (int i = 0; i < 1000; ++i) spikes += norms.is_spike(i % 2 == 0 ? 2.9 : 3.1, 4) ? 1 : 0;
  EXPECT_GT(spikes, 0);
  EXPECT_LT(spikes, 300);
  EXPECT_FALSE(norms.is_spike(3, 4));
}

}  // namespace
}  // namespace charrnn
