#include "charrnn/run/run_checks.h"

#include <algorithm>

#include "charrnn/core/error.h"
#include "charrnn/generate/sampler.h"

namespace charrnn {

void check_against_corpus(const Settings& settings, const CorpusFolder& corpus) {
  check_prefixes(settings, corpus.vocabulary());
  if (const SplitInfo* valid = corpus.split("valid"); valid != nullptr) {
    const uint64_t targets =
        valid->characters - (valid->has_targets ? 0 : std::min<uint64_t>(valid->characters, 1));
    if (targets == 0 && settings.evaluate.every.is_on()) {
      fail_usage(
          "the validation split of the corpus ", settings.corpus.output, " has ", valid->characters,
          " characters, too few to predict one: give it a larger share (corpus.split.valid) and preprocess "
          "again, or train without it (--set evaluate.every=0)");
    }
    return;
  }
  const bool is_plateau = settings.train.schedule.name == ScheduleName::kPlateau;
  if (!is_plateau && !settings.evaluate.patience) return;
  fail_usage(is_plateau ? "train.schedule.name: plateau" : "evaluate.patience",
             " watches the validation values, and the corpus ", settings.corpus.output,
             " has no validation split: give corpus.split.valid and preprocess again");
}

void check_groups(const TrainSettings& settings, int ranks) {
  const int64_t lanes = settings.batch_size / ranks;
  if (lanes % settings.accumulate == 0) return;
  fail_usage("train.accumulate is ", settings.accumulate, ", which does not divide the ", lanes,
             " lanes of each rank (train.batch_size ", settings.batch_size, " on ", ranks,
             ranks == 1 ? " rank" : " ranks", "): take a number that does");
}

}  // namespace charrnn
