// manifest.json: what a corpus was made from and what is in it. Written once by the builder; nothing in it
// depends on the time or the number of threads. Read by CorpusFolder, and by the next build, which ends at
// once if nothing has changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/corpus/copies_info.h"
#include "charrnn/corpus/run_together.h"
#include "charrnn/corpus/source_info.h"
#include "charrnn/data/baselines.h"
#include "charrnn/data/split_info.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// What <unk> replaced.
struct UnknownInfo {
  uint64_t count = 0;     // occurrences
  uint64_t distinct = 0;  // characters
  std::vector<Vocabulary::Character> most_frequent;
};

struct Manifest {
  std::vector<SourceInfo> sources;
  std::optional<SourceInfo> targets;  // corpus.targets
  std::vector<SplitInfo> splits;
  SplitBy split_by = SplitBy::kTail;  // never kAuto
  UnknownInfo unknown;
  Baselines baselines;
  RunTogether run_together;
  std::optional<CopiesInfo> copies;  // nullopt: copies were not looked for
};

std::string manifest_json(const CorpusSettings& settings, const Vocabulary& vocabulary,
                          const Manifest& manifest);

}  // namespace charrnn
