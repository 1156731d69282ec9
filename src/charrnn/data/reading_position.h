// Where reading continues: what a checkpoint keeps of it.
#pragma once

#include <cstdint>

namespace charrnn {

// `done` is what each lane has read of the shard: characters, or batches with random sampling.
struct ReadingPosition {
  uint64_t epoch = 0;
  uint64_t place = 0;  // in the epoch's order of shards
  uint64_t done = 0;
  bool operator==(const ReadingPosition&) const = default;
};

}  // namespace charrnn
