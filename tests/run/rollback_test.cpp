#include "charrnn/run/rollback.h"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

TEST(Rollbacks, LowerTheRateAndAreCounted) {
  TrainSettings settings;
  settings.max_rollbacks = 2;
  settings.rollback_rate_factor = 0.5;
  Rollback rollback;
  EXPECT_EQ(rollback.good_step(), -1);
  rollback.note_good(40);
  EXPECT_FALSE(rollback.is_exhausted(settings));
  rollback.went_back_to(20, settings);
  EXPECT_EQ(rollback.good_step(), 20) << "the later one is removed";
  EXPECT_EQ(rollback.last_step(), 20);
  EXPECT_EQ(rollback.rate_factor(), 0.5);
  rollback.went_back_to(10, settings);
  EXPECT_EQ(rollback.rate_factor(), 0.25);
  EXPECT_EQ(rollback.count(), 2);
  EXPECT_TRUE(rollback.is_exhausted(settings));
}

TEST(Rollbacks, AllOfItIsSaved) {
  TrainSettings settings;
  Rollback rollback;
  rollback.went_back_to(20, settings);
  rollback.note_good(30);
  SavedStates saved;
  rollback.save(saved);
  Rollback resumed;
  resumed.restore(saved);
  EXPECT_EQ(resumed.good_step(), 30);
  EXPECT_EQ(resumed.last_step(), 20);
  EXPECT_EQ(resumed.count(), 1);
  EXPECT_EQ(resumed.rate_factor(), rollback.rate_factor());
}

}  // namespace
}  // namespace charrnn
