// Settings without effect, given the others, such as train.optimizer.beta1 with sgd.
#pragma once

#include "charrnn/config/config.h"

namespace charrnn {

// Adds a note to `config.notes` for each of them that the config or --set changed.
void note_idle_settings(Config& config);

}  // namespace charrnn
