// The paths of a config.
#pragma once

#include "charrnn/config/config.h"

namespace charrnn {

// Expands "~" and "$NAME" in the paths that the config or --set gave.
void expand_paths(Config& config);

// One folder for the run and the corpus is an error: each would overwrite the other's files.
void refuse_shared_folder(const Config& config);

}  // namespace charrnn
