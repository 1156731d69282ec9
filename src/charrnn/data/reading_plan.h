// How the characters of a split reach the lanes, by arithmetic alone: no file is read here.
//
// A shard of N characters, less a start offset o, is cut into B lanes of n = floor((N - o - 1) / B)
// characters, one after another; the target of a lane's last character is the first character of the next
// lane. With N = 13, o = 0, B = 3, T = 2:
//
//     a b c d e f g h i j k l m      lanes  abcd  efgh  ijkl
//                                    step 1 reads ab ef ij for the targets bc fg jk
//                                    step 2 reads cd gh kl for the targets de hi lm
//
// If T is a range, a T is drawn for each step; one that is longer than the rest of the lanes ends the shard:
// with lanes of 4 and the draws 3, 1 the steps above read abc efg ijk, then d h l; with 3, 2 there is no
// second step. With aligned targets (corpus.targets) every character has its own target, no successor is
// needed, and n = floor((N - o) / B).
//
// Random sampling instead cuts the same characters into windows of T and reads B at a time, in random order.
// The order of shards, o, T and the order of windows are drawn from the seed for each epoch and shard, and do
// not depend on the number of ranks.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "charrnn/config/train_settings.h"
#include "charrnn/data/reading_position.h"

namespace charrnn {

struct LaneOptions {
  int64_t batch_size = 1;           // B, over all ranks
  LengthRange sequence_length = 1;  // T, characters; random sampling uses the largest
  Sampling sampling = Sampling::kSequential;
  bool random_offset = true;
  ResetState reset_state = ResetState::kShard;
  uint64_t seed = 1;
  int64_t ranks = 1;  // which share the lanes equally; only for advice in errors
};

// One shard in one epoch.
struct ShardPass {
  uint64_t shard = 0;
  uint64_t offset = 0;       // o
  uint64_t lane_length = 0;  // n; sequential sampling only
  uint64_t steps = 0;        // batches
  uint64_t end = 0;          // `done` of the position after the last step
};

// May be called from any thread. What was drawn for an epoch is kept until other epochs need the space.
class ReadingPlan {
 public:
  // Throws Error (kInput) if a shard is too short for one step, with the B or T that would be possible.
  ReadingPlan(std::vector<uint64_t> shard_lengths, const LaneOptions& options, bool has_targets = false);

  const LaneOptions& options() const { return options_; }
  uint64_t shard_count() const { return lengths_.size(); }
  // The number of characters needed after the last input of a lane or window, for its last target: 1, or 0
  // with aligned targets.
  uint64_t successors() const { return successors_; }

  ShardPass pass(uint64_t epoch, uint64_t place) const;
  // Random sampling only: the windows of a shard in the order of reading.
  std::vector<uint32_t> window_order(uint64_t epoch, const ShardPass& pass) const;

  // Whether a step begins at this position.
  bool has_step_at(const ReadingPosition& position) const;
  // T of the step that begins at this position.
  int64_t length_at(const ReadingPosition& position) const;
  // The position one step later; at the end of a shard the start of the next.
  ReadingPosition advance(const ReadingPosition& position) const;
  // The position one step earlier in the shard, or the shard's start. Replays the draws of a range.
  ReadingPosition step_before(const ReadingPosition& position) const;

  uint64_t steps_in_epoch(uint64_t epoch) const;
  // The number of steps in `epochs` epochs from the start, the last of which may be a fraction; at least 1.
  int64_t steps_for(double epochs) const;
  // Epochs read before this position: 1.5 is half-way through the characters of the second epoch.
  double epochs_at(const ReadingPosition& position) const;

 private:
  struct Epoch {
    std::optional<uint64_t> number;
    std::vector<ShardPass> passes;      // by place
    std::vector<uint64_t> done_before;  // by place: the sum of `end` of the passes before
    uint64_t end = 0;                   // that sum over all
    uint64_t steps = 0;
  };
  struct Replay {
    uint64_t steps = 0;
    uint64_t last = 0;  // `done` before the last of them
    uint64_t done = 0;  // `done` after it
  };

  uint64_t lanes() const { return static_cast<uint64_t>(options_.batch_size); }
  uint64_t longest_step() const { return static_cast<uint64_t>(options_.sequence_length.max); }
  void refuse_short_shards() const;
  const Epoch& known(uint64_t epoch) const;  // the lock must be held
  ShardPass draw_pass(uint64_t epoch, uint64_t shard) const;
  uint64_t windows(const ShardPass& pass) const;
  uint64_t stride(uint64_t epoch, uint64_t shard, uint64_t done) const;
  Replay replay(uint64_t epoch, uint64_t shard, uint64_t extent, uint64_t until) const;
  Replay replay_to(const ReadingPosition& position) const;

  std::vector<uint64_t> lengths_;  // characters
  LaneOptions options_;
  uint64_t successors_;
  mutable std::mutex mutex_;
  mutable std::array<Epoch, 2> known_;  // the one being read and the next, whose first shard is read ahead
};

}  // namespace charrnn
