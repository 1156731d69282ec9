#include "charrnn/data/batch_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "counting_split.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Rows of letters with blanks between: id 0 is `a`.
std::string letters(const std::vector<int64_t>& ids, int64_t steps) {
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0 && i % static_cast<size_t>(steps) == 0) text += ' ';
    text += static_cast<char>('a' + ids[i]);
  }
  return text;
}

TEST(BatchReader, TheAlphabet) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {13});
  BatchReader reader(split, {.batch_size = 3, .sequence_length = 2, .random_offset = false}, 0, 1);
  Batch batch = reader.next();
  EXPECT_EQ(letters(batch.inputs, 2), "ab ef ij");
  EXPECT_EQ(letters(batch.targets, 2), "bc fg jk");
  EXPECT_TRUE(batch.fresh_state);
  batch = reader.next();
  EXPECT_EQ(letters(batch.inputs, 2), "cd gh kl");
  EXPECT_EQ(letters(batch.targets, 2), "de hi lm");
  EXPECT_FALSE(batch.fresh_state);
  EXPECT_EQ(reader.position(), (ReadingPosition{1, 0, 0}));
  EXPECT_EQ(letters(reader.next().inputs, 2), "ab ef ij");
}

// `hello` with the targets `ohlol` is one step.
TEST(BatchReader, Hello) {
  const TemporaryFolder folder;
  ShardWriter writer(folder / "train-00000.h5",
                     {.length = 5, .has_targets = true, .vocabulary_hash = "v", .split = "train"});
  const std::string text = "hello";
  const std::string answer = "ohlol";
  std::vector<uint32_t> ids, targets;
  for (const char c : text) ids.push_back(static_cast<uint32_t>(c - 'a'));
  for (const char c : answer) targets.push_back(static_cast<uint32_t>(c - 'a'));
  writer.append(ids, targets);
  SplitInfo split;
  split.name = "train";
  split.characters = 5;
  split.has_targets = true;
  split.shards.push_back({folder / "train-00000.h5", 5, writer.finish()});
  for (const Sampling sampling : {Sampling::kSequential, Sampling::kRandom}) {
    BatchReader reader(split, {.batch_size = 1, .sequence_length = 5, .sampling = sampling}, 0, 1);
    for (int epoch = 0; epoch < 3; ++epoch) {
      const Batch batch = reader.next();
      EXPECT_EQ(letters(batch.inputs, 5), text);
      EXPECT_EQ(letters(batch.targets, 5), answer);
      EXPECT_TRUE(batch.fresh_state);
    }
    EXPECT_EQ(reader.position(), (ReadingPosition{3, 0, 0}));
  }
}

// Whatever T is drawn, each lane is read once and in order, and each target is the letter after its input.
TEST(BatchReader, LanesOfARangeAreReadInOrder) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {25});
  BatchReader reader(split, {.batch_size = 3, .sequence_length = {1, 3}, .random_offset = false, .seed = 6},
                     0, 1);
  std::set<std::vector<int64_t>> lengths_of_epochs;
  for (uint64_t epoch = 0; epoch < 12; ++epoch) {
    std::vector<std::string> lanes(3), following(3);
    std::vector<int64_t> lengths;
    while (reader.position().epoch == epoch) {
      const Batch batch = reader.next();
      EXPECT_EQ(batch.fresh_state, lengths.empty());
      lengths.push_back(batch.length);
      const auto steps = static_cast<size_t>(batch.length);
      for (size_t lane = 0; lane < 3; ++lane) {
        lanes[lane] += letters(batch.inputs, 3 * batch.length).substr(lane * steps, steps);
        following[lane] += letters(batch.targets, 3 * batch.length).substr(lane * steps, steps);
      }
    }
    lengths_of_epochs.insert(lengths);
    const size_t read = lanes[0].size();
    EXPECT_GE(read, 6u) << "at most two of a lane's eight letters are left by a step of three";
    EXPECT_EQ(lanes[0], std::string("abcdefgh").substr(0, read));
    EXPECT_EQ(lanes[1], std::string("ijklmnop").substr(0, read));
    EXPECT_EQ(lanes[2], std::string("qrstuvwx").substr(0, read));
    EXPECT_EQ(following[1], std::string("jklmnopq").substr(0, read));
  }
  EXPECT_GT(lengths_of_epochs.size(), 8u);
}

struct Kind {
  std::string name;
  Sampling sampling = Sampling::kSequential;
  LengthRange sequence_length = 5;
  bool has_targets = false;
};

class BatchReaders : public testing::TestWithParam<Kind> {
 protected:
  LaneOptions options() const {
    return {.batch_size = 6,
            .sequence_length = GetParam().sequence_length,
            .sampling = GetParam().sampling,
            .seed = 3};
  }
  int64_t target_of(int64_t id) const { return GetParam().has_targets ? 437 - id : id + 1; }

  // Steps of two epochs and a little more.
  static int64_t steps(const BatchReader& reader) { return reader.plan().steps_for(2) + 3; }

  TemporaryFolder folder_;
  // 438 ids: more than one byte holds.
  SplitInfo split_ = counting_split(folder_, {140, 97, 201}, 2, 0, "train", GetParam().has_targets);
  std::vector<uint64_t> starts_{0, 140, 237};
};

TEST_P(BatchReaders, CellsAreWhereThePlanPutsThem) {
  BatchReader reader(split_, options(), 0, 1);
  int64_t largest = 0;
  for (int64_t step = steps(reader); step > 0; --step) {
    const ReadingPosition at = reader.position();
    const ShardPass pass = reader.plan().pass(at.epoch, at.place);
    const bool is_sequential = GetParam().sampling == Sampling::kSequential;
    const std::vector<uint32_t> order = reader.plan().window_order(at.epoch, pass);
    const Batch batch = reader.next();
    const auto length = static_cast<uint64_t>(batch.length);
    ASSERT_EQ(batch.lanes, 6);
    ASSERT_EQ(batch.length, reader.plan().length_at(at));
    ASSERT_EQ(batch.inputs.size(), 6 * length);
    ASSERT_EQ(batch.targets.size(), 6 * length);
    EXPECT_EQ(batch.fresh_state, !is_sequential || at.done == 0);
    for (uint64_t lane = 0; lane < 6; ++lane) {
      const uint64_t in_shard =
          is_sequential ? lane * pass.lane_length + at.done : uint64_t{order[at.done * 6 + lane]} * 5;
      for (uint64_t t = 0; t < length; ++t) {
        const auto id = static_cast<int64_t>(starts_[pass.shard] + pass.offset + in_shard + t);
        ASSERT_EQ(batch.inputs[lane * length + t], id) << "lane " << lane << ", t " << t;
        ASSERT_EQ(batch.targets[lane * length + t], target_of(id));
        largest = std::max(largest, id);
      }
    }
  }
  EXPECT_GT(largest, 255);
}

TEST_P(BatchReaders, PartsSideBySideAreTheWholeBatch) {
  for (const int parts : {2, 3}) {
    BatchReader whole(split_, options(), 0, 1);
    std::vector<std::unique_ptr<BatchReader>> readers;
    for (int part = 0; part < parts; ++part) {
      readers.push_back(std::make_unique<BatchReader>(split_, options(), part, parts));
      EXPECT_EQ(readers.back()->lanes(), 6 / parts);
      EXPECT_EQ(readers.back()->first_lane(), 6 / parts * part);
    }
    for (int64_t step = steps(whole); step > 0; --step) {
      const Batch expected = whole.next();
      std::vector<int64_t> inputs;
      std::vector<int64_t> targets;
      for (const auto& reader : readers) {
        const Batch batch = reader->next();
        EXPECT_EQ(batch.lanes, 6 / parts);
        EXPECT_EQ(batch.length, expected.length);
        EXPECT_EQ(batch.fresh_state, expected.fresh_state);
        inputs.insert(inputs.end(), batch.inputs.begin(), batch.inputs.end());
        targets.insert(targets.end(), batch.targets.begin(), batch.targets.end());
        EXPECT_EQ(reader->position(), whole.position());
      }
      ASSERT_EQ(inputs, expected.inputs) << parts << " parts";
      ASSERT_EQ(targets, expected.targets);
    }
  }
}

TEST_P(BatchReaders, GoesOnFromAnyPositionAsIfNeverStopped) {
  BatchReader reader(split_, options(), 0, 2);
  std::vector<ReadingPosition> positions;
  std::vector<Batch> batches;
  for (int64_t step = steps(reader); step > 0; --step) {
    positions.push_back(reader.position());
    batches.push_back(reader.next());
  }
  for (size_t start = 0; start < positions.size(); ++start) {
    BatchReader resumed(split_, options(), 0, 2, positions[start]);
    // Over the next border of a shard, but not always to the end.
    for (size_t step = start; step < std::min(positions.size(), start + 9); ++step) {
      const Batch batch = resumed.next();
      ASSERT_EQ(batch.length, batches[step].length);
      ASSERT_EQ(batch.inputs, batches[step].inputs) << "from step " << start << ", at step " << step;
      ASSERT_EQ(batch.targets, batches[step].targets);
      ASSERT_EQ(batch.fresh_state, batches[step].fresh_state);
    }
  }
}

TEST_P(BatchReaders, NoCharacterTwiceInAnEpoch) {
  BatchReader reader(split_, options(), 0, 1);
  std::set<int64_t> seen;
  const uint64_t per_step =
      GetParam().sampling == Sampling::kRandom ? static_cast<uint64_t>(options().sequence_length.max) : 1;
  uint64_t read = 0;
  for (uint64_t place = 0; place < 3; ++place) read += reader.plan().pass(0, place).end * 6 * per_step;
  while (reader.position().epoch == 0) {
    for (const int64_t id : reader.next().inputs) EXPECT_TRUE(seen.insert(id).second) << id;
  }
  EXPECT_EQ(seen.size(), read);
}

TEST_P(BatchReaders, LanesThatCannotBeSharedAreAUsageError) {
  EXPECT_THAT(usage_error_of([&] { BatchReader(split_, options(), 0, 4); }),
              AllOf(HasSubstr("batch_size 6"), HasSubstr("by 4 ranks")));
}

TEST_P(BatchReaders, APositionOfAnotherCorpusIsRefused) {
  for (const ReadingPosition& wrong : {ReadingPosition{0, 3, 0}, ReadingPosition{0, 0, 5000}}) {
    EXPECT_THAT(error_of([&] { BatchReader(split_, options(), 0, 1, wrong); }), HasSubstr("another corpus"));
  }
}

TEST_P(BatchReaders, AnIdBeyondTheVocabularyIsDamage) {
  split_.vocabulary_size = 438;
  BatchReader whole(split_, options(), 0, 1);
  for (int64_t step = steps(whole); step > 0; --step) EXPECT_NO_THROW(whole.next());
  split_.vocabulary_size = 300;  // the last shard has more
  EXPECT_THAT(error_of([&] {
                BatchReader reader(split_, options(), 0, 1);
                for (int64_t step = steps(reader); step > 0; --step) reader.next();
              }),
              AllOf(HasSubstr(GetParam().has_targets ? "train-0000" : "train-00002.h5"),
                    HasSubstr("ids below 300"), HasSubstr("damaged")));
}

INSTANTIATE_TEST_SUITE_P(Kinds, BatchReaders,
                         testing::Values(Kind{"sequential"}, Kind{"random", Sampling::kRandom},
                                         Kind{"range", Sampling::kSequential, {2, 9}},
                                         Kind{"sequential_with_targets", Sampling::kSequential, 5, true},
                                         Kind{"random_with_targets", Sampling::kRandom, 5, true},
                                         Kind{"range_with_targets", Sampling::kSequential, {2, 9}, true}),
                         [](const auto& kind) { return kind.param.name; });

TEST(BatchReader, APositionBetweenTheStepsOfARangeIsRefused) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {200});
  const LaneOptions options{.batch_size = 2, .sequence_length = {3, 9}};
  EXPECT_THAT(error_of([&] { BatchReader(split, options, 0, 1, {0, 0, 1}); }), HasSubstr("another corpus"));
}

TEST(BatchReader, SequentialLanesGoOnWhereTheStepBeforeEnded) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {83, 64});
  BatchReader reader(split, {.batch_size = 3, .sequence_length = 4, .seed = 2}, 0, 1);
  std::vector<int64_t> last_targets;
  int borders = 0;
  for (int step = 0; step < 40; ++step) {
    const Batch batch = reader.next();
    borders += batch.fresh_state ? 1 : 0;
    for (size_t lane = 0; lane < 3; ++lane) {
      if (!batch.fresh_state) {
        EXPECT_EQ(batch.inputs[lane * 4], last_targets[lane]);
      }
    }
    last_targets = {batch.targets[3], batch.targets[7], batch.targets[11]};
  }
  EXPECT_GE(borders, 6) << "three epochs of two shards";
}

TEST(BatchReader, FourByteIds) {
  const TemporaryFolder folder;
  const SplitInfo split = counting_split(folder, {70000}, 4);
  // One lane, resumed near the end of the shard: ids above 65,535.
  BatchReader reader(split, {.batch_size = 1, .sequence_length = 10, .random_offset = false}, 0, 1,
                     {0, 0, 69980});
  EXPECT_EQ(reader.next().inputs.front(), 69980);
}

// N = 25, B = 2, T = 3, o = 0: lanes of 12, steps begin at 0 3 6 9 and 12 15 18 21. Documents begin at 0, 4,
// 6, 14 and 23: the one at 4 is inside the step from 3, so the step from 6 starts from zero state, as it does
// for the one at 6.
TEST(BatchReaderDocuments, LanesStartAfreshAfterADocumentBegan) {
  const TemporaryFolder folder;
  std::vector<uint32_t> ids(25);
  std::iota(ids.begin(), ids.end(), 0u);
  SplitInfo split;
  split.name = "train";
  split.characters = 25;
  const auto path = folder / shard_file_name("train", 0);
  ShardWriter writer(
      path,
      {.length = 25, .id_bytes = 1, .vocabulary_hash = "v", .split = "train", .shard = 0, .shard_count = 1});
  for (uint32_t i = 0; i < 25; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 14 || i == 23) writer.start_document();
    writer.append(std::span(ids).subspan(i, 1));
  }
  split.shards.push_back({path, 25, writer.finish()});
  LaneOptions options{
      .batch_size = 2, .sequence_length = 3, .random_offset = false, .reset_state = ResetState::kDocument};
  using Lanes = std::vector<int64_t>;
  BatchReader reader(split, options, 0, 1);
  std::vector<Lanes> found;
  for (int step = 0; step < 4; ++step) found.push_back(reader.next().fresh_lanes);
  EXPECT_THAT(found, testing::ElementsAre(Lanes{}, Lanes{1}, Lanes{0}, Lanes{}));
  EXPECT_TRUE(reader.next().fresh_state) << "the next epoch";

  // The same for a part, and when reading is resumed in the middle.
  BatchReader second(split, options, 1, 2, {.epoch = 0, .place = 0, .done = 3});
  EXPECT_THAT(second.next().fresh_lanes, testing::ElementsAre(0)) << "its own number of the lane";
  options.reset_state = ResetState::kShard;
  BatchReader never(split, options, 0, 1);
  for (int step = 0; step < 4; ++step) EXPECT_TRUE(never.next().fresh_lanes.empty());
}

// A document begins at every 13th character. Compared with the rule written out, also when resumed from each
// position.
TEST(BatchReaderDocuments, StepsOfARange) {
  const TemporaryFolder folder;
  SplitInfo split;
  split.name = "train";
  split.characters = 260;
  ShardWriter writer(folder / "train-00000.h5",
                     {.length = 260, .id_bytes = 2, .vocabulary_hash = "v", .split = "train"});
  std::vector<uint32_t> ids(260);
  std::iota(ids.begin(), ids.end(), 0u);
  for (size_t i = 0; i < 260; i += 13) {
    writer.start_document();
    writer.append(std::span(ids).subspan(i, 13));
  }
  split.shards.push_back({folder / "train-00000.h5", 260, writer.finish()});
  const LaneOptions options{
      .batch_size = 3, .sequence_length = {2, 8}, .reset_state = ResetState::kDocument, .seed = 2};
  BatchReader reader(split, options, 0, 1);
  std::vector<int64_t> before;
  int fresh = 0;
  for (int step = 0; step < 60; ++step) {
    BatchReader resumed(split, options, 0, 1, reader.position());
    const Batch batch = reader.next();
    std::vector<int64_t> expected;
    for (size_t lane = 0; lane < 3; ++lane) {
      const int64_t first = batch.inputs[lane * static_cast<size_t>(batch.length)];
      for (int64_t id = batch.fresh_state ? first : before[lane]; id < first; ++id) {
        if ((id + 1) % 13 != 0) continue;
        expected.push_back(static_cast<int64_t>(lane));
        break;
      }
    }
    EXPECT_EQ(batch.fresh_lanes, expected) << "step " << step;
    EXPECT_EQ(resumed.next().fresh_lanes, expected) << "step " << step;
    fresh += static_cast<int>(expected.size());
    before.clear();
    for (size_t lane = 0; lane < 3; ++lane)
      before.push_back(batch.inputs[lane * static_cast<size_t>(batch.length)]);
  }
  EXPECT_GT(fresh, 30);
}

}  // namespace
}  // namespace charrnn
