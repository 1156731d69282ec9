#include "charrnn/run/pitfalls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numbers>

namespace charrnn {
namespace {

using testing::HasSubstr;
using testing::Optional;

// Of 64 characters: guessing costs 6 bits, letter frequencies 4.5.
class PitfallsOfARun : public testing::Test {
 protected:
  static Loss of_bits(double bits, double targets = 1000) {
    return {bits * std::numbers::ln2 * targets, targets};
  }
  void at_step(int64_t step, double bits) {
    step_ = step;
    training_loss_ = of_bits(bits).nats();
  }

  Settings settings_;  // of 32 lanes x 64 characters
  int64_t step_ = 0;
  double training_loss_ = 0;
  Pitfalls pitfalls_{settings_, {4.5, 3.5}, 64};
};

TEST_F(PitfallsOfARun, OneCharacterBackIsReportedOnce) {
  EXPECT_EQ(pitfalls_.at_start(), std::nullopt);
  settings_.train.sequence_length = {1, 2};
  EXPECT_EQ(pitfalls_.at_start(), std::nullopt);
  settings_.train.sequence_length = 1;
  EXPECT_THAT(pitfalls_.at_start(), Optional(HasSubstr("sequence_length is 1")));
  EXPECT_EQ(pitfalls_.at_start(), std::nullopt);
}

TEST_F(PitfallsOfARun, ExplodingGradientsWithoutClipping) {
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(pitfalls_.after_step(step_, infinite), std::nullopt) << "it is clipped";
  Pitfalls hardly_clipped = pitfalls_;
  settings_.train.clip_norm = 1e6;
  EXPECT_NE(hardly_clipped.after_step(step_, infinite), std::nullopt);
  settings_.train.clip_norm = 0;
  EXPECT_EQ(pitfalls_.after_step(step_, 99), std::nullopt);
  EXPECT_EQ(pitfalls_.after_step(step_, std::numeric_limits<double>::quiet_NaN()), std::nullopt);
  EXPECT_THAT(pitfalls_.after_step(step_, 101), Optional(HasSubstr("try train.clip_norm: 1")));
  EXPECT_EQ(pitfalls_.after_step(step_, 1e9), std::nullopt) << "reported once";
  at_step(5000, 9);
  EXPECT_EQ(pitfalls_.after_line(step_, of_bits(9)), std::nullopt) << "that is its consequence";
  // One target per step: the limit is higher by a factor of the square root of a thousand.
  Pitfalls single{settings_, {4.5, 3.5}, 64};
  settings_.train.batch_size = 1;
  settings_.train.loss = LossOver::kLast;
  EXPECT_EQ(single.after_step(step_, 3000), std::nullopt);
  EXPECT_NE(single.after_step(step_, 3200), std::nullopt);
}

TEST_F(PitfallsOfARun, ARateFarTooHighIsWorseThanGuessing) {
  at_step(10, 8);
  EXPECT_EQ(pitfalls_.after_line(step_, of_bits(8)), std::nullopt) << "too early to judge";
  at_step(50, 7.1);
  EXPECT_EQ(pitfalls_.after_line(step_, of_bits(7.1)), std::nullopt);
  EXPECT_THAT(pitfalls_.after_line(step_, of_bits(7.3)), Optional(HasSubstr("learning_rate: 0.001")));
  at_step(5000, 7);
  EXPECT_EQ(pitfalls_.after_line(step_, of_bits(7)), std::nullopt);
}

TEST_F(PitfallsOfARun, OnlyFrequencies) {
  at_step(999, 4.6);
  EXPECT_EQ(pitfalls_.after_line(step_, of_bits(4.6)), std::nullopt);
  at_step(1000, 4.4);
  Pitfalls learnt = pitfalls_;
  EXPECT_EQ(learnt.after_line(step_, of_bits(4.4)), std::nullopt);
  EXPECT_EQ(learnt.after_line(step_, of_bits(4.6)), std::nullopt) << "it had learnt something";
  EXPECT_THAT(pitfalls_.after_line(step_, of_bits(4.6)), Optional(HasSubstr("unigram baseline of 4.5")));
  EXPECT_EQ(pitfalls_.after_line(step_, of_bits(4.6)), std::nullopt);
}

// A single rare character proves nothing: lines are added up until they have a thousand targets.
TEST_F(PitfallsOfARun, FewTargetsAreNotJudged) {
  at_step(40, 20);
  for (int line = 1; line < 1000; ++line) {
    ASSERT_EQ(pitfalls_.after_line(step_, of_bits(line < 500 ? 20 : 1, 1)), std::nullopt) << line;
  }
  EXPECT_THAT(pitfalls_.after_line(step_, of_bits(1, 1)), Optional(HasSubstr("loss of 10.48")));
}

TEST_F(PitfallsOfARun, FewTargetsAStepNeedMoreSteps) {
  settings_.train.batch_size = 1;
  settings_.train.loss = LossOver::kLast;
  at_step(31999, 4.6);
  EXPECT_EQ(pitfalls_.after_line(step_, of_bits(4.6)), std::nullopt);
  at_step(32000, 4.6);
  EXPECT_NE(pitfalls_.after_line(step_, of_bits(4.6)), std::nullopt);
}

TEST_F(PitfallsOfARun, OneCharacterForEver) {
  const std::string blanks(21, ' ');
  at_step(999, 4.4);
  EXPECT_EQ(pitfalls_.after_sample(step_, training_loss_, blanks), std::nullopt);
  at_step(1000, 4.6);
  EXPECT_EQ(pitfalls_.after_sample(step_, training_loss_, blanks), std::nullopt)
      << "the other line reports it";
  at_step(1000, 4.4);
  for (const std::string text :
       {"", "a", "                    ", "          a          ", "abababababababababababab"}) {
    EXPECT_EQ(pitfalls_.after_sample(step_, training_loss_, text), std::nullopt) << text;
  }
  std::string words;
  for (int i = 0; i < 60; ++i) words += "the ";
  EXPECT_EQ(pitfalls_.after_sample(step_, training_loss_, words), std::nullopt);
  Pitfalls chinese = pitfalls_;
  EXPECT_THAT(pitfalls_.after_sample(step_, training_loss_, blanks),
              Optional(HasSubstr("a single character")));
  EXPECT_EQ(pitfalls_.after_sample(step_, training_loss_, blanks), std::nullopt);
  std::string commas;
  for (int i = 0; i < 21; ++i) commas += "，";
  EXPECT_NE(chinese.after_sample(step_, training_loss_, commas), std::nullopt);
}

TEST_F(PitfallsOfARun, MemorisedIsFarBelowARisingValidation) {
  const double training = of_bits(1).nats();
  const double best = of_bits(2).nats();
  EXPECT_EQ(pitfalls_.after_value(of_bits(2.5), training, best, 1), std::nullopt);
  EXPECT_EQ(pitfalls_.after_value(of_bits(2.5), 0, best, 2), std::nullopt) << "no training loss is known";
  EXPECT_EQ(pitfalls_.after_value(of_bits(2.1), training, best, 2), std::nullopt) << "hardly risen";
  EXPECT_THAT(pitfalls_.after_value(of_bits(2.5), training, best, 2), Optional(HasSubstr("memorised")));
  EXPECT_EQ(pitfalls_.after_value(of_bits(3), training, best, 2), std::nullopt);
}

TEST_F(PitfallsOfARun, WhatWasReportedIsNotReportedAgainAfterAResume) {
  settings_.train.sequence_length = 1;
  ASSERT_NE(pitfalls_.at_start(), std::nullopt);
  SavedStates saved;
  pitfalls_.save(saved);
  Pitfalls resumed{settings_, {4.5, 3.5}, 64};
  resumed.restore(saved);
  EXPECT_EQ(resumed.at_start(), std::nullopt);
}

}  // namespace
}  // namespace charrnn
