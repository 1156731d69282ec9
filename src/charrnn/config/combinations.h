// What no single setting can know: settings that contradict each other, and paths.
#pragma once

#include <string>
#include <vector>

#include "charrnn/config/config_file.h"

namespace charrnn {

// Where a --set contradicts a setting of the file, the file's gives way: it takes its default, and
// config.notes says so. Two settings of the file, or two --set, that contradict each other stay as they are.
void let_overrides_win(Config& config);

// One text for each contradiction: where, what, and how to choose on the command line.
std::vector<std::string> impossible_combinations(const Config& config);

// One folder for the run and the corpus: neither could be made again.
void refuse_shared_folder(const Config& config);

// Adds a note for each setting that the config or --set changed and that does nothing next to the others.
void note_settings_without_effect(Config& config);

// "~" and "$NAME" in the paths that the config or --set gave.
void expand_paths(Config& config);

}  // namespace charrnn
