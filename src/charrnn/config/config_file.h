// Reads a YAML file, which describes a whole run, and --set overrides into Settings.
// All problems of a file are reported together: file, line, what was found, what would be valid, and for an
// unknown key the nearest known one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/config.h"
#include "charrnn/config/config_printer.h"

namespace charrnn {

// `overrides` are such as "train.batch_size=256"; they replace what they contradict in the file. Paths are
// expanded (core/path_expansion.h). Throws Error (kInput).
Config read_config(const std::string& file, const std::vector<std::string>& overrides = {});
Config parse_config(std::string_view yaml, const std::string& name,
                    const std::vector<std::string>& overrides = {});

// `settings` with the changes of `yaml` and `overrides`.
Config change_settings(const Settings& settings, std::string_view yaml, const std::string& name,
                       const std::vector<std::string>& overrides);
// Reads what to_yaml wrote; paths are not expanded again.
Settings parse_saved(std::string_view yaml, const std::string& name);

}  // namespace charrnn
