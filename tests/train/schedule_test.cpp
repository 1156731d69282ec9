#include "charrnn/train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace charrnn {
namespace {

TrainSettings settings(ScheduleName name, int64_t warmup_steps, double final_fraction) {
  TrainSettings train;
  train.optimizer.learning_rate = 0.8;
  train.schedule.name = name;
  train.schedule.warmup_steps = warmup_steps;
  train.schedule.final_fraction = final_fraction;
  return train;
}

TEST(Schedule, Constant) {
  const TrainSettings constant = settings(ScheduleName::kConstant, 0, 0.25);
  for (const int64_t step : {0, 1, 99, 100, 500}) EXPECT_EQ(learning_rate(constant, step, 100), 0.8);
}

TEST(Schedule, WarmUpRisesFromOneStepsShare) {
  for (const ScheduleName name : {ScheduleName::kConstant, ScheduleName::kCosine}) {
    const TrainSettings warm = settings(name, 4, 0.25);
    EXPECT_DOUBLE_EQ(learning_rate(warm, 0, 100), 0.2);
    EXPECT_DOUBLE_EQ(learning_rate(warm, 1, 100), 0.4);
    EXPECT_DOUBLE_EQ(learning_rate(warm, 2, 100), 0.6);
    EXPECT_DOUBLE_EQ(learning_rate(warm, 3, 100), 0.8);
    EXPECT_DOUBLE_EQ(learning_rate(warm, 4, 100), 0.8);
  }
}

TEST(Schedule, CosineByHand) {
  // From 0.8 to 0.2 over 96 steps after the warm-up: at a third of them 0.2 + 0.6 (1 + cos 60°) / 2.
  const TrainSettings cosine = settings(ScheduleName::kCosine, 4, 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 4 + 32, 100), 0.2 + 0.6 * 0.75);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 4 + 48, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 4 + 64, 100), 0.2 + 0.6 * 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 100, 100), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 250, 100), 0.2) << "beyond the end it stays";
  EXPECT_NEAR(learning_rate(settings(ScheduleName::kCosine, 0, 0), 100, 100), 0, 1e-16);
}

TEST(Schedule, StepCutsAfterEveryStepSize) {
  TrainSettings step = settings(ScheduleName::kStep, 2, 0);
  step.schedule.step_size = 5;
  step.schedule.factor = 0.5;
  EXPECT_DOUBLE_EQ(learning_rate(step, 1, 100), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate(step, 2 + 4, 100), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate(step, 2 + 5, 100), 0.4);
  EXPECT_DOUBLE_EQ(learning_rate(step, 2 + 14, 100), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(step, 2 + 15, 100), 0.1);
}

TEST(Schedule, LinearGoesStraightDown) {
  const TrainSettings linear = settings(ScheduleName::kLinear, 4, 0.25);  // from 0.8 to 0.2 over 96 steps
  EXPECT_DOUBLE_EQ(learning_rate(linear, 4, 100), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 4 + 24, 100), 0.65);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 4 + 48, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 100, 100), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 300, 100), 0.2);
}

TEST(Schedule, InverseSquareRootOfTheSteps) {
  const TrainSettings root = settings(ScheduleName::kInverseSqrt, 4, 0);
  EXPECT_DOUBLE_EQ(learning_rate(root, 4, 100), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate(root, 4 + 12, 100), 0.4) << "sqrt(4 / 16)";
  EXPECT_DOUBLE_EQ(learning_rate(root, 4 + 60, 100), 0.2) << "sqrt(4 / 64)";
  EXPECT_DOUBLE_EQ(learning_rate(settings(ScheduleName::kInverseSqrt, 0, 0), 3, 100), 0.4) << "sqrt(1 / 4)";
}

TEST(Schedule, TheBatchScalesTheRate) {
  TrainSettings large = settings(ScheduleName::kConstant, 0, 0);
  large.batch_size = 128;
  large.reference_batch_size = 32;
  EXPECT_EQ(batch_scale(large), 1);
  large.scale_learning_rate = RateScale::kLinear;
  EXPECT_DOUBLE_EQ(learning_rate(large, 5, 100), 3.2);
  large.scale_learning_rate = RateScale::kSqrt;
  EXPECT_DOUBLE_EQ(learning_rate(large, 5, 100), 1.6);
}

TEST(Schedule, ARunThatIsAllWarmUp) {
  const TrainSettings warm = settings(ScheduleName::kCosine, 10, 0);
  EXPECT_DOUBLE_EQ(learning_rate(warm, 9, 10), 0.8);
  EXPECT_TRUE(std::isfinite(learning_rate(warm, 10, 10)));
}

}  // namespace
}  // namespace charrnn
