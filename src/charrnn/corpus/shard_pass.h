// The second pass over a corpus: turns clean text into ids, writes them to shards, and counts pairs of ids.
#pragma once

#include <filesystem>
#include <vector>

#include "charrnn/corpus/corpus_text.h"
#include "charrnn/corpus/split_plan.h"
#include "charrnn/corpus/target_text.h"
#include "charrnn/data/baselines.h"
#include "charrnn/data/split_info.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

struct WrittenShards {
  std::vector<SplitInfo> splits;
  Baselines baselines;  // of train
};

// `seen`: the characters that occur in the text and in `targets`. `targets`: one for each character of the
// text; nullptr: the corpus has no aligned targets. Throws Error if the text does not match `plan`.
WrittenShards write_shards(const CorpusText& text, const TargetText* targets, const SplitPlan& plan,
                           const Vocabulary& vocabulary, const std::vector<Vocabulary::Character>& seen,
                           const std::filesystem::path& folder);

}  // namespace charrnn
