#include "charrnn/run/periods.h"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

// Of 10 steps: a line every 3, samples every half epoch of 4 steps, a checkpoint every 5.
class PeriodsOfARun : public testing::Test {
 protected:
  PeriodsOfARun() {
    settings_.train.log_every = 3.0;
    settings_.evaluate.every = 0.0;
    settings_.sample.every = Period(0.5, true);
    settings_.checkpoint.every = 5.0;
    settings_.comm.check_replicas_every = 4;
  }

  Due after(int64_t step) { return periods_.after(step, static_cast<double>(step) / 4); }

  Settings settings_;
  Periods periods_{settings_, 10, 0};
};

TEST_F(PeriodsOfARun, DueIsTheStepThatReachesTheEndOfAPeriod) {
  for (int64_t step = 1; step < 10; ++step) {
    const Due due = after(step);
    EXPECT_EQ(due.log, step % 3 == 0) << step;
    EXPECT_FALSE(due.evaluate) << step;
    EXPECT_EQ(due.sample, step % 2 == 0) << step;
    EXPECT_EQ(due.save, step == 5) << step;
    EXPECT_EQ(due.check_replicas, step % 4 == 0) << step;
    EXPECT_EQ(due.any(), step % 3 == 0 || step % 2 == 0 || step == 5) << step;
  }
}

TEST_F(PeriodsOfARun, AllThatIsOnIsDueAfterTheLastStep) {
  for (int64_t step = 1; step < 10; ++step) after(step);
  const Due due = after(10);
  EXPECT_TRUE(due.log && due.sample && due.save);
  EXPECT_FALSE(due.evaluate) << "it is off";
}

TEST_F(PeriodsOfARun, ARollbackCountsFromWhereItWentBackTo) {
  for (int64_t step = 1; step <= 7; ++step) after(step);
  periods_.go_back_to(1);  // after step 4
  EXPECT_FALSE(after(5).sample);
  EXPECT_TRUE(after(6).sample);
}

}  // namespace
}  // namespace charrnn
