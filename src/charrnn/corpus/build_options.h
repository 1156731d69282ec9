// How a corpus is built, apart from what is in it: progress, threads, sizes. None of it changes the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "charrnn/core/stop_token.h"
#include "charrnn/text/source/source_reader.h"

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
  bool force = false;  // build also if the corpus is up to date
  size_t block_bytes = SourceReader::kBlockBytes;
  std::filesystem::path run_output = {};  // of the same config: its files are not sources
  StopToken stop = {};                    // asked whenever there is progress
};

}  // namespace charrnn
