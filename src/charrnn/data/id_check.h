// The check by both readers of the ids that they have read.
#pragma once

#include <cstdint>

#include "charrnn/core/error.h"
#include "charrnn/data/split_info.h"

namespace charrnn {

// Throws Error if the largest id of a shard is outside the vocabulary, so that a damaged shard is
// reported here and not by a tensor operation.
inline void check_largest_id(const SplitInfo& split, uint64_t shard, uint64_t largest) {
  check(split.vocabulary_size == 0 || largest < split.vocabulary_size, "the shard ", split.shards[shard].file,
        " holds the id ", largest, ", expected ids below ", split.vocabulary_size,
        ", the size of its vocabulary: it is damaged; preprocess the corpus again");
}

}  // namespace charrnn
