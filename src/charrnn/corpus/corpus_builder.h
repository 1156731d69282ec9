// Text to corpus folder: a first look at the sources, then two passes over them on all cores. The first
// counts characters, the second writes shards. Memory is bounded by a few blocks, however long the text is.
// Equal text and settings give equal bytes, whatever the number of threads and the size of blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/text/source/source_reader.h"
#include "charrnn/text/source/sources.h"

namespace charrnn {

enum class BuildStage { kComparing, kExamining, kCounting, kTargets, kWriting };

struct BuildProgress {
  BuildStage stage;
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;  // of one stage
};

struct BuildOptions {
  std::function<void(const BuildProgress&)> progress = [](const BuildProgress&) {};  // one call at a time
  int threads = 0;     // 0: one for each core, up to 16
  bool force = false;  // build even where the corpus is up to date
  size_t block_bytes = SourceReader::kBlockBytes;
  std::filesystem::path run_output = {};  // of the same config, where no sources are looked for
};

struct BuildSummary {
  bool up_to_date = false;  // nothing was done: same sources, same settings
  uint64_t documents = 0;
  uint64_t bytes = 0;       // of the sources
  uint64_t characters = 0;  // in all splits
  double seconds = 0;
  std::vector<OwnFilesFound> own_files;  // that charrnn wrote itself: no sources
};

// Reads settings.sources and puts a corpus at settings.output, whole or not at all, in place of an older one.
// Throws Error with exit code 2 for whatever the user can correct: sources, split, vocabulary, output.
BuildSummary build_corpus(const CorpusSettings& settings, const BuildOptions& options = {});

}  // namespace charrnn
