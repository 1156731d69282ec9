// The paths in a config.
#pragma once

#include "charrnn/config/config.h"

namespace charrnn {

// Expands "~" and "$NAME" in the paths that the config or --set gave.
void expand_paths(Config& config);

// Throws Error (kInput) if the run and the corpus have the same folder, where each would overwrite the
// other's files.
void refuse_shared_folder(const Config& config);

}  // namespace charrnn
