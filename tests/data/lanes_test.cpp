#include "data/lanes.h"

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

// The drawing in lanes.h.
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
  EXPECT_EQ(pass.skipped, 1u) << "m is a target only";
  EXPECT_EQ(plan.advance({0, 0, 0}), (ReadingPosition{0, 0, 2}));
  EXPECT_EQ(plan.advance({0, 0, 2}), (ReadingPosition{1, 0, 0}));
}

TEST(Lanes, WhatDoesNotFillAStepIsSkippedAndCounted) {
  // 22 characters have a target: lanes of 11, three steps of 3, so 18 are read.
  const ShardPass pass = ReadingPlan({23}, fixed_offset(2, 3)).pass(0, 0);
  EXPECT_EQ(pass.lane_length, 11u);
  EXPECT_EQ(pass.steps, 3u);
  EXPECT_EQ(pass.skipped, 5u);
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

std::string problem_with(uint64_t length, int64_t batch_size, int64_t sequence_length) {
  return usage_error_of([&] { ReadingPlan({40, length}, fixed_offset(batch_size, sequence_length)); });
}

TEST(Lanes, TooShortNamesALaneCountAndALengthThatDoWork) {
  EXPECT_THAT(problem_with(20, 4, 7), AllOf(HasSubstr("20 characters"), HasSubstr("need 29"),
                                            HasSubstr("take a train.batch_size of 2 or less or a "
                                                      "train.sequence_length of 4 or less")));
  EXPECT_NO_THROW(ReadingPlan({40, 20}, fixed_offset(2, 7)));
  EXPECT_NO_THROW(ReadingPlan({40, 20}, fixed_offset(4, 4)));
  EXPECT_THROW(ReadingPlan({40, 20}, fixed_offset(3, 7)), Error) << "the named value is the largest";
  EXPECT_THROW(ReadingPlan({40, 20}, fixed_offset(4, 5)), Error);
}

TEST(Lanes, TooShortNamesOnlyWhatHelps) {
  EXPECT_THAT(problem_with(5, 10, 2), AllOf(HasSubstr("batch_size of 2 or less"), Not(HasSubstr("or a "))));
  EXPECT_NO_THROW(ReadingPlan({5}, fixed_offset(2, 2)));
  EXPECT_THAT(problem_with(5, 2, 10), AllOf(HasSubstr("take a train.sequence_length of 2 or less")));
  EXPECT_NO_THROW(ReadingPlan({5}, fixed_offset(2, 2)));
  EXPECT_THAT(problem_with(2, 5, 7), HasSubstr("take a longer text, or smaller values of both"));
  EXPECT_THAT(problem_with(0, 1, 1), HasSubstr("take a longer text"));
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
      EXPECT_EQ(pass.skipped, length - pass.steps * 12);
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
