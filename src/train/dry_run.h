// What a run would take, before anything is made.
#pragma once

#include <string>

#include "config/settings.h"
#include "data/corpus_folder.h"

namespace charrnn {

struct RunSize {
  int64_t parameters = 0;
  double memory_bytes = 0;      // of one rank, at its peak
  double checkpoint_bytes = 0;  // of one file
  int64_t steps_per_epoch = 0;
  int64_t lane_length = 0;  // characters, of the first shard read
  int64_t total_steps = 0;  // 0 where --fit-seconds will say
};

// Throws Error (exit code 2) where the corpus and the settings do not fit.
RunSize measure_run(const Settings& settings, const CorpusFolder& corpus, int ranks);

std::string to_text(const RunSize& size, const Settings& settings, int ranks);

}  // namespace charrnn
