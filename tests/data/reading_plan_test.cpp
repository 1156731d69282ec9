#include "charrnn/data/reading_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

LaneOptions fixed_offset(int64_t batch_size, int64_t sequence_length) {
  return {.batch_size = batch_size, .sequence_length = sequence_length, .random_offset = false};
}

// The drawing in reading_plan.h.
TEST(Lanes, TheAlphabet) {
  const std::string text = "abcdefghijklm";
  const ReadingPlan plan({text.size()}, fixed_offset(3, 2));
  const ShardPass pass = plan.pass(0, 0);
  std::vector<std::string> lanes;
  for (uint64_t lane = 0; lane < 3; ++lane) {
    lanes.push_back(text.substr(pass.offset + lane * pass.lane_length, pass.lane_length));
  }
  EXPECT_THAT(lanes, testing::ElementsAre("abcd", "efgh", "ijkl"));
  EXPECT_EQ(pass.steps, 2u);
  EXPECT_EQ(pass.end, 4u) << "m is a target only";
  EXPECT_EQ(plan.advance({0, 0, 0}), (ReadingPosition{0, 0, 2}));
  EXPECT_EQ(plan.advance({0, 0, 2}), (ReadingPosition{1, 0, 0}));
}

TEST(Lanes, WhatDoesNotFillAStepIsSkipped) {
  // 22 characters have a target: lanes of 11, three steps of 3, so 18 are read.
  const ShardPass pass = ReadingPlan({23}, fixed_offset(2, 3)).pass(0, 0);
  EXPECT_EQ(pass.lane_length, 11u);
  EXPECT_EQ(pass.steps, 3u);
  EXPECT_EQ(pass.end, 9u);
}

std::set<uint64_t> drawn_offsets(uint64_t length, const LaneOptions& options) {
  const ReadingPlan plan({length}, options);
  std::set<uint64_t> offsets;
  for (uint64_t epoch = 0; epoch < 300; ++epoch) {
    const ShardPass pass = plan.pass(epoch, 0);
    EXPECT_GE(pass.steps, 1u) << "offset " << pass.offset;
    offsets.insert(pass.offset);
  }
  return offsets;
}

TEST(Lanes, OffsetsReachFromZeroToTheLesserLimit) {
  LaneOptions options{.batch_size = 2, .sequence_length = 5};
  EXPECT_THAT(drawn_offsets(31, options), testing::ElementsAre(0, 1, 2, 3, 4)) << "T - 1";
  EXPECT_THAT(drawn_offsets(13, options), testing::ElementsAre(0, 1, 2)) << "what leaves one step of 2 x 5";
  EXPECT_THAT(drawn_offsets(11, options), testing::ElementsAre(0));
  options.sampling = Sampling::kRandom;
  EXPECT_THAT(drawn_offsets(31, options), testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(drawn_offsets(13, options), testing::ElementsAre(0, 1, 2));
  options.random_offset = false;
  EXPECT_THAT(drawn_offsets(31, options), testing::ElementsAre(0));
}

std::vector<uint64_t> shards_of(const ReadingPlan& plan, uint64_t epoch) {
  std::vector<uint64_t> shards;
  for (uint64_t place = 0; place < plan.shard_count(); ++place)
    shards.push_back(plan.pass(epoch, place).shard);
  return shards;
}

TEST(Lanes, EveryEpochReadsEachShardOnceInADrawnOrder) {
  LaneOptions options{.batch_size = 2, .sequence_length = 3, .seed = 7};
  const ReadingPlan plan({23, 17, 40, 19, 50}, options);
  std::set<std::vector<uint64_t>> orders;
  for (uint64_t epoch = 0; epoch < 20; ++epoch) {
    EXPECT_THAT(shards_of(plan, epoch), testing::UnorderedElementsAre(0, 1, 2, 3, 4));
    orders.insert(shards_of(plan, epoch));
  }
  EXPECT_GT(orders.size(), 10u) << "of 120 possible orders";
  EXPECT_EQ(shards_of(plan, 3), shards_of(ReadingPlan({23, 17, 40, 19, 50}, options), 3));
  options.seed = 8;
  const ReadingPlan other({23, 17, 40, 19, 50}, options);
  bool differs = false;
  for (uint64_t epoch = 0; epoch < 20; ++epoch) differs |= shards_of(plan, epoch) != shards_of(other, epoch);
  EXPECT_TRUE(differs);
}

TEST(Lanes, StepsOfAnEpochByHand) {
  const ReadingPlan plan({23, 17, 40}, fixed_offset(2, 3));
  // Lanes of 11, 8 and 19 characters: 3 + 2 + 6 steps.
  EXPECT_EQ(plan.steps_in_epoch(0), 11u);
  EXPECT_EQ(plan.steps_for(2), 22);
  EXPECT_EQ(plan.steps_for(1.4), 15) << "11 + 4.4";
  EXPECT_EQ(plan.steps_for(1e-6), 1);
}

TEST(Lanes, AdvancingReplaysWholeEpochs) {
  for (const Sampling sampling : {Sampling::kSequential, Sampling::kRandom}) {
    const LaneOptions options{.batch_size = 2, .sequence_length = 3, .sampling = sampling, .seed = 5};
    const ReadingPlan plan({23, 17, 40}, options);
    ReadingPosition position;
    for (uint64_t epoch = 0; epoch < 4; ++epoch) {
      const uint64_t steps = plan.steps_in_epoch(epoch);
      for (uint64_t step = 0; step < steps; ++step) {
        EXPECT_EQ(position.epoch, epoch);
        EXPECT_DOUBLE_EQ(plan.epochs_at(position),
                         static_cast<double>(epoch) + static_cast<double>(step) / static_cast<double>(steps));
        position = plan.advance(position);
      }
      EXPECT_EQ(position, (ReadingPosition{epoch + 1, 0, 0}));
      EXPECT_EQ(plan.epochs_at(position), static_cast<double>(epoch + 1));
    }
    EXPECT_EQ(plan.steps_for(4), static_cast<int64_t>(plan.steps_in_epoch(0) + plan.steps_in_epoch(1) +
                                                      plan.steps_in_epoch(2) + plan.steps_in_epoch(3)));
  }
}

// Each step draws its own T; the first that does not fit ends the shard.
TEST(Lanes, ARangeIsReplayedFromTheDraws) {
  const std::vector<uint64_t> lengths{83, 64, 120};
  const LaneOptions options{.batch_size = 3, .sequence_length = {2, 7}, .seed = 11};
  const ReadingPlan plan(lengths, options);
  ReadingPosition position;
  std::set<int64_t> drawn;
  std::set<uint64_t> offsets;
  for (uint64_t epoch = 0; epoch < 30; ++epoch) {
    uint64_t steps = 0;
    uint64_t read_before = 0;  // characters of each lane
    uint64_t read_in_all = 0;
    for (uint64_t place = 0; place < 3; ++place) read_in_all += plan.pass(epoch, place).end;
    for (uint64_t place = 0; place < 3; ++place) {
      const ShardPass pass = plan.pass(epoch, place);
      offsets.insert(pass.offset);
      EXPECT_EQ(pass.lane_length, (lengths[pass.shard] - pass.offset - 1) / 3);
      uint64_t steps_of_pass = 0;
      ReadingPosition before{epoch, place, 0};
      for (uint64_t done = 0; done < pass.end;) {
        ASSERT_EQ(position, (ReadingPosition{epoch, place, done}));
        EXPECT_TRUE(plan.has_step_at(position));
        EXPECT_EQ(plan.step_before(position), before);
        EXPECT_DOUBLE_EQ(plan.epochs_at(position),
                         static_cast<double>(epoch) +
                             static_cast<double>(read_before + done) / static_cast<double>(read_in_all));
        const int64_t length = plan.length_at(position);
        EXPECT_FALSE(plan.has_step_at({epoch, place, done + 1})) << "the shortest step is 2";
        EXPECT_GE(length, 2);
        EXPECT_LE(length, 7);
        drawn.insert(length);
        before = position;
        position = plan.advance(position);
        done += static_cast<uint64_t>(length);
        ++steps_of_pass;
        EXPECT_LE(done, pass.end);
      }
      const auto one_more = static_cast<uint64_t>(plan.length_at({epoch, place, pass.end}));
      EXPECT_LE(pass.end, pass.lane_length);
      EXPECT_GT(pass.end + one_more, pass.lane_length) << "it ends only where the next does not fit";
      EXPECT_FALSE(plan.has_step_at({epoch, place, pass.end}));
      EXPECT_EQ(pass.steps, steps_of_pass);
      steps += steps_of_pass;
      read_before += pass.end;
    }
    EXPECT_EQ(plan.steps_in_epoch(epoch), steps);
    EXPECT_EQ(position, (ReadingPosition{epoch + 1, 0, 0}));
  }
  EXPECT_EQ(drawn, (std::set<int64_t>{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(offsets, (std::set<uint64_t>{0, 1, 2, 3, 4, 5, 6})) << "up to the largest T - 1";
  EXPECT_EQ(plan.steps_for(2), static_cast<int64_t>(plan.steps_in_epoch(0) + plan.steps_in_epoch(1)));
}

TEST(Lanes, TheDrawsAreOfTheSeedAlone) {
  const auto lengths_of_epoch = [](uint64_t seed) {
    const ReadingPlan plan({300}, {.batch_size = 2, .sequence_length = {1, 50}, .seed = seed});
    std::vector<int64_t> lengths;
    for (ReadingPosition at; at.epoch == 0; at = plan.advance(at)) lengths.push_back(plan.length_at(at));
    return lengths;
  };
  EXPECT_EQ(lengths_of_epoch(1), lengths_of_epoch(1));
  EXPECT_NE(lengths_of_epoch(1), lengths_of_epoch(2));
}

TEST(Lanes, ARangeNeedsRoomForItsLongestStep) {
  const auto plan = [](int64_t shortest, int64_t longest) {
    return ReadingPlan({29}, {.batch_size = 4, .sequence_length = {shortest, longest}});
  };
  for (uint64_t epoch = 0; epoch < 50; ++epoch) EXPECT_GE(plan(1, 7).pass(epoch, 0).steps, 1u);
  EXPECT_THAT(usage_error_of([&] { plan(1, 8); }),
              AllOf(HasSubstr("train.sequence_length 1 to 8"), HasSubstr("need 33"),
                    HasSubstr("sequence_length of 7 or less")));
}

// Asking for another epoch in between, as reading ahead does, changes nothing.
TEST(Lanes, EpochsInAnyOrder) {
  const LaneOptions options{.batch_size = 2, .sequence_length = {2, 5}, .seed = 4};
  const ReadingPlan plan({50, 61, 70}, options);
  for (const uint64_t epoch : {0, 1, 0, 2, 7, 1, 0, 3}) {
    const ReadingPlan fresh({50, 61, 70}, options);
    EXPECT_EQ(shards_of(plan, epoch), shards_of(fresh, epoch));
    EXPECT_EQ(plan.steps_in_epoch(epoch), fresh.steps_in_epoch(epoch));
  }
}

// Twelve letters with aligned targets make three lanes of four; without, the last lane would lack a
// successor.
TEST(Lanes, AlignedTargetsNeedNoSuccessor) {
  const ShardPass aligned = ReadingPlan({12}, fixed_offset(3, 2), true).pass(0, 0);
  EXPECT_EQ(aligned.lane_length, 4u);
  EXPECT_EQ(aligned.steps, 2u);
  EXPECT_EQ(aligned.end, 4u) << "every character is read";
  EXPECT_EQ(ReadingPlan({12}, fixed_offset(3, 2)).pass(0, 0).lane_length, 3u);

  // hello: one lane, one step, only the offset 0.
  const ReadingPlan hello({5}, {.batch_size = 1, .sequence_length = 5}, true);
  for (uint64_t epoch = 0; epoch < 20; ++epoch) {
    EXPECT_EQ(hello.pass(epoch, 0).offset, 0u);
    EXPECT_EQ(hello.pass(epoch, 0).steps, 1u);
  }
  EXPECT_THAT(usage_error_of([] { ReadingPlan({5}, fixed_offset(2, 3), true); }),
              AllOf(HasSubstr("need 6"), HasSubstr("batch_size of 1 or less")));

  LaneOptions random = fixed_offset(2, 3);
  random.sampling = Sampling::kRandom;
  const ReadingPlan windows({12}, random, true);
  EXPECT_EQ(windows.pass(0, 0).steps, 2u);
  EXPECT_EQ(windows.window_order(0, windows.pass(0, 0)).size(), 4u);
}

std::string problem_with(uint64_t length, int64_t batch_size, int64_t sequence_length) {
  return usage_error_of([&] { ReadingPlan({40, length}, fixed_offset(batch_size, sequence_length)); });
}

TEST(Lanes, TooShortNamesALaneCountAndALengthThatDoWork) {
  EXPECT_THAT(problem_with(20, 4, 7), AllOf(HasSubstr("20 characters"), HasSubstr("need 29"),
                                            HasSubstr("use a train.batch_size of 2 or less or a "
                                                      "train.sequence_length of 4 or less")));
  EXPECT_NO_THROW(ReadingPlan({40, 20}, fixed_offset(2, 7)));
  EXPECT_NO_THROW(ReadingPlan({40, 20}, fixed_offset(4, 4)));
  EXPECT_THROW(ReadingPlan({40, 20}, fixed_offset(3, 7)), Error) << "the value in the advice is the largest";
  EXPECT_THROW(ReadingPlan({40, 20}, fixed_offset(4, 5)), Error);
}

TEST(Lanes, TooShortNamesOnlyWhatHelps) {
  EXPECT_THAT(problem_with(5, 10, 2), AllOf(HasSubstr("batch_size of 2 or less"), Not(HasSubstr("or a "))));
  EXPECT_NO_THROW(ReadingPlan({5}, fixed_offset(2, 2)));
  EXPECT_THAT(problem_with(5, 2, 10), AllOf(HasSubstr("use a train.sequence_length of 2 or less")));
  EXPECT_NO_THROW(ReadingPlan({5}, fixed_offset(2, 2)));
  EXPECT_THAT(problem_with(2, 5, 7), HasSubstr("use a longer text, or smaller values of both"));
  EXPECT_THAT(problem_with(0, 1, 1), HasSubstr("use a longer text"));
  EXPECT_THAT(usage_error_of([] { ReadingPlan({}, fixed_offset(1, 1)); }), HasSubstr("no shards"));
}

TEST(Lanes, RandomWindowsEachOnceAnEpoch) {
  const LaneOptions options{.batch_size = 4, .sequence_length = 3, .sampling = Sampling::kRandom, .seed = 9};
  const ReadingPlan plan({61, 50}, options);
  std::set<std::vector<uint32_t>> orders;
  for (uint64_t epoch = 0; epoch < 6; ++epoch) {
    for (uint64_t place = 0; place < 2; ++place) {
      const ShardPass pass = plan.pass(epoch, place);
      std::vector<uint32_t> order = plan.window_order(epoch, pass);
      const uint64_t length = pass.shard == 0 ? 61 : 50;
      EXPECT_EQ(order.size(), (length - pass.offset - 1) / 3);
      EXPECT_EQ(pass.steps, order.size() / 4) << "an incomplete last batch is dropped";
      EXPECT_EQ(pass.end, pass.steps);
      orders.insert(order);
      std::sort(order.begin(), order.end());
      std::vector<uint32_t> each_once(order.size());
      std::iota(each_once.begin(), each_once.end(), 0u);
      EXPECT_EQ(order, each_once);
    }
  }
  EXPECT_EQ(orders.size(), 12u) << "orders repeat";
}

}  // namespace
}  // namespace charrnn
