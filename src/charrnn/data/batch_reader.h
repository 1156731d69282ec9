// Reads the next T characters and the targets for one part of the lanes (of 0 .. B), step after step, epoch
// after epoch, by the plan (reading_plan.h). A background thread reads this part of each shard in large
// blocks, one shard ahead: two such parts are in memory at a time, so a corpus may be larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "charrnn/data/batch.h"
#include "charrnn/data/reading_plan.h"
#include "charrnn/data/shard_reader.h"
#include "charrnn/data/split_info.h"

namespace charrnn {

// The plan for reading this split. Throws like ReadingPlan.
ReadingPlan reading_plan(const SplitInfo& split, const LaneOptions& options);

class BatchReader {
 public:
  // Part `part` of `parts` equal parts; `parts` must divide B (kInput). Reading continues at `start`.
  BatchReader(const SplitInfo& split, const LaneOptions& options, int part, int parts,
              ReadingPosition start = {});
  ~BatchReader();

  // Throws Error if the shard cannot be read or holds an id outside of the vocabulary.
  Batch next();

  // The position of the next batch.
  const ReadingPosition& position() const { return position_; }
  const ReadingPlan& plan() const { return plan_; }
  int64_t first_lane() const { return first_lane_; }
  int64_t lanes() const { return lanes_; }

 private:
  struct Loaded;

  bool is_sequential() const { return plan_.options().sampling == Sampling::kSequential; }
  std::unique_ptr<Loaded> load(ReadingPosition at) const;
  void load_lanes(const ShardReader& shard, Loaded& loaded) const;
  void load_windows(const ShardReader& shard, Loaded& loaded) const;
  void check_ids(const Loaded& loaded) const;
  void turn_to_shard();
  std::vector<int64_t> lanes_after_document_starts() const;
  void fill(Batch& batch) const;

  SplitInfo split_;
  ReadingPlan plan_;
  int64_t lanes_ = 0;
  int64_t first_lane_ = 0;
  ReadingPosition position_;
  ReadingPosition before_;  // where the previous step began, if it was in the shard of position_
  std::unique_ptr<Loaded> current_;
  std::future<std::unique_ptr<Loaded>> ahead_;
};

}  // namespace charrnn
