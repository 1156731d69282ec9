// Text to corpus folder, in two passes over the sources: the first counts characters, the second writes
// shards. Memory is bounded by a few blocks, however long the text is. Equal text and settings give equal
// bytes.
#pragma once

#include <cstdint>
#include <functional>

#include "config/settings.h"

namespace charrnn {

struct BuildProgress {
  int pass = 1;  // of 2
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // of one pass
};

struct BuildOptions {
  std::function<void(const BuildProgress&)> progress;  // called after each block; may be empty
};

struct BuildSummary {
  uint64_t documents = 0;
  uint64_t bytes = 0;       // of the sources
  uint64_t characters = 0;  // in all splits
  double seconds = 0;
};

// Reads settings.sources and puts a corpus at settings.output, whole or not at all, in place of an older one.
// Throws Error with exit code 2 for whatever the user can correct: sources, split, vocabulary, output.
BuildSummary build_corpus(const CorpusSettings& settings, const BuildOptions& options = {});

}  // namespace charrnn
