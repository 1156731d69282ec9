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
// Random sampling cuts the same characters into windows of T instead and reads them B at a time in a drawn
// order. The order of shards, o and the order of windows are drawn from the seed for each epoch and shard,
// and don't depend on the number of ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "config/settings.h"

namespace charrnn {

struct LaneOptions {
  int64_t batch_size = 1;       // B, over all ranks
  int64_t sequence_length = 1;  // T, characters
  Sampling sampling = Sampling::kSequential;
  bool random_offset = true;
  ResetState reset_state = ResetState::kShard;
  uint64_t seed = 1;
};

// Where reading goes on: `done` is what each lane has read of the shard in characters, or in batches with
// random sampling.
struct ReadingPosition {
  uint64_t epoch = 0;
  uint64_t place = 0;  // in the epoch's order of shards
  uint64_t done = 0;
  bool operator==(const ReadingPosition&) const = default;
};

// One shard in one epoch.
struct ShardPass {
  uint64_t shard = 0;
  uint64_t offset = 0;       // o
  uint64_t lane_length = 0;  // n; sequential sampling only
  uint64_t steps = 0;        // batches
  uint64_t skipped = 0;      // characters that are no input in this epoch
};

class ReadingPlan {
 public:
  // Throws Error (exit code 2) where a shard is too short for one step, saying which B or T would do.
  ReadingPlan(std::vector<uint64_t> shard_lengths, const LaneOptions& options);

  const LaneOptions& options() const { return options_; }
  uint64_t shard_count() const { return lengths_.size(); }

  ShardPass pass(uint64_t epoch, uint64_t place) const;
  // With random sampling: the windows of a shard in the order in which they are read.
  std::vector<uint32_t> window_order(uint64_t epoch, const ShardPass& pass) const;

  // The position after one more step; at the end of a shard the start of the next.
  ReadingPosition advance(const ReadingPosition& position) const;
  // Steps already made in the shard at this position.
  uint64_t steps_done(const ReadingPosition& position) const;

  uint64_t steps_in_epoch(uint64_t epoch) const;
  // Steps that `epochs` take from the start, the last one in part; at least 1.
  int64_t steps_for(double epochs) const;
  // Epochs read at this position, in parts: 1.5 is half-way through the second.
  double epochs_at(const ReadingPosition& position) const;

 private:
  std::vector<uint64_t> order_of_shards(uint64_t epoch) const;

  std::vector<uint64_t> lengths_;  // characters
  LaneOptions options_;
};

}  // namespace charrnn
