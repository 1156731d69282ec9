// Text to corpus folder: a first look at the sources, then two passes over them on all cores. The first
// counts characters, the second writes shards. Memory is bounded by a few blocks, however long the text is.
// Equal text and settings give equal bytes, whatever the number of threads and the size of blocks.
#pragma once

#include <cstdint>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/corpus/build_options.h"
#include "charrnn/text/source/sources.h"

namespace charrnn {

struct BuildSummary {
  bool up_to_date = false;  // nothing was done: same sources, same settings
  uint64_t documents = 0;
  uint64_t bytes = 0;       // of the sources
  uint64_t characters = 0;  // in all splits
  double seconds = 0;
  std::vector<OwnFilesFound> own_files;  // written by charrnn: not read
};

// Reads settings.sources and puts a corpus at settings.output, whole or not at all, in place of an older one.
// Throws Error with exit code 2 for whatever the user can correct: sources, split, vocabulary, output; and of
// kStopped if options.stop is requested: then the folder is as it was before.
BuildSummary build_corpus(const CorpusSettings& settings, const BuildOptions& options = {});

}  // namespace charrnn
