// The position from which reading continues, as saved in a checkpoint.
#pragma once

#include <cstdint>

namespace charrnn {

// `done`: how much of the shard each lane has read, in characters; with random sampling in batches.
struct ReadingPosition {
  uint64_t epoch = 0;
  uint64_t place = 0;  // in the epoch's order of shards
  uint64_t done = 0;
  bool operator==(const ReadingPosition&) const = default;
};

}  // namespace charrnn
