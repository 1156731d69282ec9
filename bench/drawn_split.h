// A drawn text as a corpus of one shard: what charrnn_bench trains on without --corpus.
#pragma once

#include <cstdint>
#include <filesystem>

#include "charrnn/data/corpus_folder.h"

namespace charrnn {

// Writes train-00000.h5 into `folder`, in place of an older one. Equal arguments give equal characters. Each
// id has likely successors, so that a model has something to learn, and each of the vocabulary's ids may
// occur.
SplitInfo draw_split(const std::filesystem::path& folder, uint64_t characters, int64_t vocabulary);

}  // namespace charrnn
