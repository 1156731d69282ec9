// One YAML file is one whole run. Reads it, with --set overrides, into Settings.
// Every problem of a file is reported at once: file, line, what was found, what would be valid, the nearest
// known key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/config.h"
#include "charrnn/config/config_printer.h"

namespace charrnn {

// `overrides` are "train.batch_size=256"; they win over what they contradict in the file, and paths are
// expanded (core/path_expansion.h). Throws Error with exit code 2.
Config read_config(const std::string& file, const std::vector<std::string>& overrides = {});
Config parse_config(std::string_view yaml, const std::string& name,
                    const std::vector<std::string>& overrides = {});

// `settings` with what `yaml` and `overrides` change.
Config change_settings(const Settings& settings, std::string_view yaml, const std::string& name,
                       const std::vector<std::string>& overrides);
// What to_yaml wrote: paths are taken as they are, they were expanded before.
Settings parse_saved(std::string_view yaml, const std::string& name);

}  // namespace charrnn
