#include "charrnn/run/stop_rules.h"

#include <gtest/gtest.h>

#include <memory>

#include "charrnn/comm/solo.h"

namespace charrnn {
namespace {

class StopRulesOfARun : public testing::Test {
 protected:
  StopRules rules(Clock::time_point started = Clock::now()) {
    return {settings_, options_, /*total_steps=*/10, *comm_, started};
  }
  // Nothing was interrupted, and patience is left.
  std::optional<RunEnd> end(int64_t step, StopReason agreed = StopReason::kNone) {
    return rules().end_after(step, agreed, false, false);
  }

  Settings settings_;
  TrainOptions options_;
  std::unique_ptr<Communicator> comm_ = make_solo_communicator();
};

TEST_F(StopRulesOfARun, ARunGoesToItsLastStep) {
  EXPECT_EQ(end(9), std::nullopt);
  EXPECT_EQ(end(10), RunEnd::kComplete);
}

TEST_F(StopRulesOfARun, WhatTheRanksAgreedOn) {
  EXPECT_EQ(end(3, StopReason::kMaxSeconds), RunEnd::kAsked);
  for (const StopReason reason : {StopReason::kSignal, StopReason::kTimeLimit, StopReason::kFileError}) {
    EXPECT_EQ(end(3, reason), RunEnd::kInterrupted);
    EXPECT_EQ(end(10, reason), RunEnd::kComplete) << "the run is finished anyway";
  }
}

TEST_F(StopRulesOfARun, TheWeightierRuleCounts) {
  StopRules all = rules();
  EXPECT_EQ(all.end_after(10, StopReason::kNone, /*is_postponed=*/true, true), RunEnd::kInterrupted);
  EXPECT_EQ(all.end_after(3, StopReason::kSignal, false, /*is_out_of_patience=*/true), RunEnd::kInterrupted);
  EXPECT_EQ(all.end_after(3, StopReason::kMaxSeconds, false, true), RunEnd::kOutOfPatience);
}

TEST_F(StopRulesOfARun, MaxStepsIsASteppingStone) {
  options_.max_steps = 4;
  EXPECT_FALSE(rules().stops_after(3, StopReason::kNone));
  EXPECT_EQ(end(3), std::nullopt);
  EXPECT_TRUE(rules().stops_after(4, StopReason::kNone));
  EXPECT_EQ(end(4), RunEnd::kAsked);
  options_.max_steps = 10;
  EXPECT_EQ(end(10), RunEnd::kComplete);
}

TEST_F(StopRulesOfARun, MaxSecondsCountFromTheStartOfThePreparation) {
  options_.max_seconds = 60;
  EXPECT_EQ(rules().reason(false), StopReason::kNone);
  EXPECT_EQ(rules(Clock::now() - std::chrono::seconds(61)).reason(false), StopReason::kMaxSeconds);
}

TEST_F(StopRulesOfARun, AFileThatCannotBeWrittenComesFirst) {
  options_.max_seconds = 60;
  EXPECT_EQ(rules(Clock::now() - std::chrono::seconds(61)).reason(true), StopReason::kFileError);
}

}  // namespace
}  // namespace charrnn
