#include "train/pitfalls.h"

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
  static Loss of_bits(double bits) { return {bits * std::numbers::ln2, 1}; }
  void at_step(int64_t step, double bits) {
    progress_.step = step;
    progress_.characters = 100 * step;
    progress_.last_loss = of_bits(bits).nats();
  }

  Settings settings_;
  Progressed progress_;
  Pitfalls pitfalls_{settings_, {4.5, 3.5}, 64};
};

TEST_F(PitfallsOfARun, OneCharacterBackIsSaidOnce) {
  EXPECT_EQ(pitfalls_.at_start(progress_), std::nullopt);
  settings_.train.sequence_length = {1, 2};
  EXPECT_EQ(pitfalls_.at_start(progress_), std::nullopt);
  settings_.train.sequence_length = 1;
  EXPECT_THAT(pitfalls_.at_start(progress_), Optional(HasSubstr("sequence_length is 1")));
  EXPECT_EQ(pitfalls_.at_start(progress_), std::nullopt);
}

TEST_F(PitfallsOfARun, ExplodingGradientsWhereNothingClips) {
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(pitfalls_.after_step(progress_, infinite), std::nullopt) << "it is clipped";
  settings_.train.clip_norm = 0;
  EXPECT_EQ(pitfalls_.after_step(progress_, 99), std::nullopt);
  EXPECT_EQ(pitfalls_.after_step(progress_, std::numeric_limits<double>::quiet_NaN()), std::nullopt);
  EXPECT_THAT(pitfalls_.after_step(progress_, 101), Optional(HasSubstr("try train.clip_norm: 1")));
  EXPECT_EQ(pitfalls_.after_step(progress_, 1e9), std::nullopt) << "said once";
  at_step(5000, 9);
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(9)), std::nullopt) << "that is its consequence";
}

TEST_F(PitfallsOfARun, ARateFarTooHighIsWorseThanGuessing) {
  at_step(10, 8);
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(8)), std::nullopt) << "too early to say";
  at_step(50, 7.1);
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(7.1)), std::nullopt);
  EXPECT_THAT(pitfalls_.after_line(progress_, of_bits(7.3)), Optional(HasSubstr("learning_rate: 0.001")));
  at_step(5000, 7);
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(7)), std::nullopt);
}

TEST_F(PitfallsOfARun, NothingButFrequencies) {
  at_step(999, 4.6);
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(4.6)), std::nullopt);
  at_step(1000, 4.4);
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(4.4)), std::nullopt);
  EXPECT_THAT(pitfalls_.after_line(progress_, of_bits(4.6)), Optional(HasSubstr("unigram mark of 4.5")));
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(4.6)), std::nullopt);
}

TEST_F(PitfallsOfARun, FewTargetsAStepNeedMoreSteps) {
  settings_.train.batch_size = 1;
  settings_.train.loss = LossOver::kLast;
  at_step(31999, 4.6);
  EXPECT_EQ(pitfalls_.after_line(progress_, of_bits(4.6)), std::nullopt);
  at_step(32000, 4.6);
  EXPECT_NE(pitfalls_.after_line(progress_, of_bits(4.6)), std::nullopt);
}

TEST_F(PitfallsOfARun, OneCharacterForEver) {
  const std::string blanks(21, ' ');
  at_step(999, 4.4);
  EXPECT_EQ(pitfalls_.after_sample(progress_, blanks), std::nullopt);
  at_step(1000, 4.6);
  EXPECT_EQ(pitfalls_.after_sample(progress_, blanks), std::nullopt) << "the other line says it";
  at_step(1000, 4.4);
  for (const std::string text :
       {"", "a", "                    ", "          a          ", "abababababababababababab"}) {
    EXPECT_EQ(pitfalls_.after_sample(progress_, text), std::nullopt) << text;
  }
  Progressed chinese = progress_;
  EXPECT_THAT(pitfalls_.after_sample(progress_, blanks), Optional(HasSubstr("one character")));
  EXPECT_EQ(pitfalls_.after_sample(progress_, blanks), std::nullopt);
  std::string commas;
  for (int i = 0; i < 21; ++i) commas += "，";
  EXPECT_NE(pitfalls_.after_sample(chinese, commas), std::nullopt);
}

TEST_F(PitfallsOfARun, MemorisedIsFarBelowARisingValidation) {
  at_step(2000, 1);
  progress_.best_loss = of_bits(2).nats();
  progress_.values_since_best = 1;
  EXPECT_EQ(pitfalls_.after_value(progress_, of_bits(2.5)), std::nullopt);
  progress_.values_since_best = 2;
  EXPECT_EQ(pitfalls_.after_value(progress_, of_bits(2.1)), std::nullopt) << "hardly risen";
  EXPECT_THAT(pitfalls_.after_value(progress_, of_bits(2.5)), Optional(HasSubstr("memorised")));
  EXPECT_EQ(pitfalls_.after_value(progress_, of_bits(3)), std::nullopt);
}

}  // namespace
}  // namespace charrnn
