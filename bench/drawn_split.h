// A corpus of one shard with random text, on which charrnn_bench trains without --corpus.
#pragma once

#include <cstdint>
#include <filesystem>

#include "charrnn/data/corpus_folder.h"

namespace charrnn {

// Writes train-00000.h5 to `folder`, replacing an older one. Equal arguments give equal characters. Each id
// has likely successors, so that a model has something to learn, and all ids of the vocabulary may occur.
SplitInfo draw_split(const std::filesystem::path& folder, uint64_t characters, int64_t vocabulary);

}  // namespace charrnn
