#include "charrnn/run/corpus_check.h"

#include <algorithm>

#include "charrnn/core/error.h"
#include "charrnn/generate/prefixes.h"

namespace charrnn {

void check_against_corpus(const Settings& settings, const CorpusFolder& corpus) {
  check_prefixes(settings, corpus.vocabulary());
  if (const SplitInfo* valid = corpus.split("valid"); valid != nullptr) {
    const uint64_t targets =
        valid->characters - (valid->has_targets ? 0 : std::min<uint64_t>(valid->characters, 1));
    if (targets == 0 && settings.evaluate.every.is_on()) {
      fail_usage(
          "the validation split of the corpus ", settings.corpus.output, " has ", valid->characters,
          " characters, too few to predict one: set a larger corpus.split.valid and preprocess again, or "
          "train without validation (--set evaluate.every=0)");
    }
    return;
  }
  const bool is_plateau = settings.train.schedule.name == ScheduleName::kPlateau;
  if (!is_plateau && !settings.evaluate.patience) return;
  fail_usage(is_plateau ? "train.schedule.name: plateau" : "evaluate.patience",
             " needs validation values, but the corpus ", settings.corpus.output,
             " has no validation split: set corpus.split.valid and preprocess again");
}

}  // namespace charrnn
