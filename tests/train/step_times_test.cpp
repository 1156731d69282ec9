#include "charrnn/train/step_times.h"

#include <gtest/gtest.h>

#include <array>

namespace charrnn {
namespace {

void add(StepTimes& times, int64_t steps, const std::vector<double>& seconds) {
  for (int64_t step = 0; step < steps; ++step) times.add(seconds);
}

TEST(StepTimes, SpreadIsOfTheStepsSinceItWasTaken) {
  StepTimes times(3);
  times.add(std::array{1.0, 2.0, 6.0});
  times.add(std::array{3.0, 2.0, 4.0});
  StepTimes::Spread spread = times.take_spread();
  EXPECT_DOUBLE_EQ(spread.mean, 3);
  EXPECT_DOUBLE_EQ(spread.longest, 5);
  EXPECT_EQ(spread.slowest_rank, 2);
  times.add(std::array{0.0, 9.0, 0.0});
  spread = times.take_spread();
  EXPECT_DOUBLE_EQ(spread.mean, 3);
  EXPECT_EQ(spread.slowest_rank, 1);
}

TEST(StepTimes, NamesARankThatIsSlowOverAWholeWindow) {
  StepTimes times(4);
  add(times, StepTimes::kWindow - 1, {1, 1.2, 1, 2});
  EXPECT_FALSE(times.find_straggler(1.5)) << "not yet";
  add(times, 1, {1, 1.2, 1, 2});
  const auto straggler = times.find_straggler(1.5);
  ASSERT_TRUE(straggler);
  EXPECT_EQ(straggler->rank, 3);
  EXPECT_NEAR(straggler->seconds, 2, 1e-9);
  EXPECT_NEAR(straggler->median, 1, 1e-9) << "the lower one of 1, 1, 1.2, 2 in the middle";
  add(times, StepTimes::kWindow, {1, 1.2, 1, 2});
  EXPECT_FALSE(times.find_straggler(1.5)) << "it was just reported";
  add(times, StepTimes::kWindow, {3, 1.2, 1, 1});
  EXPECT_EQ(times.find_straggler(1.5)->rank, 0) << "another one";
}

TEST(StepTimes, ASingleSlowStepIsNoStraggler) {
  StepTimes times(2);
  add(times, StepTimes::kWindow - 1, {1, 1});
  add(times, 1, {1, 20});
  EXPECT_FALSE(times.find_straggler(1.5));
}

TEST(StepTimes, NeverIfSwitchedOffOrAlone) {
  StepTimes two(2);
  add(two, StepTimes::kWindow, {1, 5});
  EXPECT_FALSE(two.find_straggler(0));
  StepTimes one(1);
  add(one, StepTimes::kWindow, {5});
  EXPECT_FALSE(one.find_straggler(1.5));
}

}  // namespace
}  // namespace charrnn
