// What may change when a run is resumed: not the model, vocabulary, corpus, lanes, seed and kind of
// optimiser, because the saved numbers would have another meaning; all other settings take their new value.
#pragma once

#include <string>
#include <vector>

#include "charrnn/checkpoint/checkpoint.h"

namespace charrnn {

// Throws Error (kInput) if fixed settings differ; the message lists them with both values.
void refuse_fixed_changes(const Checkpoint& found, const Settings& now, const CorpusFolder& corpus);

// "train.optimizer.learning_rate: 0.002 -> 0.001", for each setting that differs.
std::vector<std::string> changed_settings(const Settings& before, const Settings& now);

}  // namespace charrnn
