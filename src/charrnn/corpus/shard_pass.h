// The second pass over a corpus: clean text becomes ids, ids become shards, and pairs of ids are counted.
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

// `seen` are the characters that occur, also in `targets`, which are as many as the text's; nullptr: the
// corpus has no aligned targets. Throws Error if the text is not the one that was planned for.
WrittenShards write_shards(const CorpusText& text, const TargetText* targets, const SplitPlan& plan,
                           const Vocabulary& vocabulary, const std::vector<Vocabulary::Character>& seen,
                           const std::filesystem::path& folder);

}  // namespace charrnn
