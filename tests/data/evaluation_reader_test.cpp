#include "charrnn/data/evaluation_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "counting_split.h"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kEnded = EvaluationReader::kLaneEnded;

// How often each target was read by all parts together. Ids count upward, so a target is its input's
// successor; aligned targets count downward.
std::vector<int> times_read(const SplitInfo& split, int64_t lanes, int64_t sequence_length, int parts) {
  std::vector<int> times(split.characters);
  int64_t lanes_in_all = 0;
  for (int part = 0; part < parts; ++part) {
    EvaluationReader reader(split, lanes, sequence_length, part, parts);
    lanes_in_all += reader.lanes();
    std::vector<int64_t> following(static_cast<size_t>(reader.lanes()), -1);
    while (const std::optional<Batch> batch = reader.next()) {
      EXPECT_EQ(batch->lanes, reader.lanes());
      EXPECT_LE(batch->length, sequence_length);
      EXPECT_EQ(batch->inputs.size(), static_cast<size_t>(batch->lanes * batch->length));
      for (size_t i = 0; i < batch->targets.size(); ++i) {
        if (batch->targets[i] == kEnded) continue;
        const int64_t input = batch->inputs[i];
        EXPECT_EQ(batch->targets[i],
                  split.has_targets ? static_cast<int64_t>(split.characters) - 1 - input : input + 1);
        ++times[static_cast<size_t>(batch->targets[i])];
        int64_t& expected = following[i / static_cast<size_t>(batch->length)];
        if (expected >= 0) {
          EXPECT_EQ(input, expected) << "a lane jumps";
        }
        expected = input + 1;
      }
    }
  }
  EXPECT_EQ(lanes_in_all, lanes);
  return times;
}

TEST(EvaluationReader, EveryTargetOnce) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {9, 14, 1, 6}, 1, 0, "valid");  // 30 characters, 29 targets
  std::vector<int> once(30, 1);
  once[0] = 0;  // the first character is not a target
  for (const int64_t lanes : {1, 3, 5, 28, 29, 64}) {
    for (const int64_t sequence_length : {1, 4, 7, 100}) {
      for (const int parts : {1, 2, 3}) {
        EXPECT_EQ(times_read(split, lanes, sequence_length, parts), once)
            << lanes << " lanes, T " << sequence_length << ", " << parts << " parts";
      }
    }
  }
}

TEST(EvaluationReader, EveryAlignedTargetOnce) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {9, 14, 1, 6}, 1, 0, "valid", true);
  const std::vector<int> once(30, 1);
  for (const int64_t lanes : {1, 3, 5, 30, 64}) {
    for (const int64_t sequence_length : {1, 4, 100}) {
      for (const int parts : {1, 2, 3}) {
        EXPECT_EQ(times_read(split, lanes, sequence_length, parts), once)
            << lanes << " lanes, T " << sequence_length << ", " << parts << " parts";
      }
    }
  }
  // 10 targets in 3 lanes: cuts at 0, 3, 6, 10.
  EvaluationReader reader(counting_split(folder, {4, 6}, 1, 0, "test", true), 3, 9, 0, 1);
  const std::optional<Batch> batch = reader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->length, 4);
  EXPECT_THAT(batch->targets, ElementsAre(9, 8, 7, kEnded, 6, 5, 4, kEnded, 3, 2, 1, 0));
}

TEST(EvaluationReader, LanesOfUnequalLengthByHand) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {4, 5}, 1, 0, "valid");
  // 8 targets in 3 lanes: cuts at 0, 2, 5, 8.
  EvaluationReader reader(split, 3, 2, 0, 1);
  std::optional<Batch> batch = reader.next();
  ASSERT_TRUE(batch);
  EXPECT_THAT(batch->inputs, ElementsAre(0, 1, 2, 3, 5, 6));
  EXPECT_THAT(batch->targets, ElementsAre(1, 2, 3, 4, 6, 7));
  batch = reader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->length, 1);
  EXPECT_THAT(batch->targets, ElementsAre(kEnded, 5, 8));
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(EvaluationReader, PartsTakeEveryOtherLane) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {4, 5}, 1, 0, "valid");
  EvaluationReader second(split, 3, 4, 1, 2);
  EXPECT_EQ(second.lanes(), 1);
  EXPECT_THAT(second.next()->inputs, ElementsAre(2, 3, 4));
  EvaluationReader none(split, 1, 4, 1, 2);
  EXPECT_EQ(none.lanes(), 0);
  EXPECT_FALSE(none.next());
}

TEST(EvaluationReader, LanesLongerThanTheReadAhead) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {100000, 77777}, 4, 0, "test");
  std::vector<int> once(split.characters, 1);
  once[0] = 0;
  EXPECT_EQ(times_read(split, 2, 1000, 1), once);
  const SplitInfo aligned = counting_split(folder, {100000, 77777}, 4, 0, "valid", true);
  once[0] = 1;
  EXPECT_EQ(times_read(aligned, 2, 1000, 1), once);
}

TEST(EvaluationReader, AnIdBeyondTheVocabularyIsDamage) {
  const TemporaryFolder folder;
  SplitInfo split = counting_split(folder, {4, 5}, 1, 0, "valid");
  split.vocabulary_size = 9;
  EXPECT_NO_THROW(EvaluationReader(split, 1, 100, 0, 1).next());
  split.vocabulary_size = 8;
  EXPECT_THAT(error_of([&] { EvaluationReader(split, 1, 100, 0, 1).next(); }),
              testing::AllOf(HasSubstr("valid-00001.h5"), HasSubstr("id 8"), HasSubstr("ids below 8")));
}

TEST(EvaluationReader, OneCharacterPredictsNothing) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {1}, 1, 0, "valid");
  EXPECT_THAT(usage_error_of([&] { EvaluationReader(split, 3, 4, 0, 1); }), HasSubstr("split valid has 1"));
  const SplitInfo aligned = counting_split(folder, {1}, 1, 0, "test", true);
  EXPECT_THAT(EvaluationReader(aligned, 1, 4, 0, 1).next()->targets, ElementsAre(0))
      << "which has its own target";
}

}  // namespace
}  // namespace charrnn
