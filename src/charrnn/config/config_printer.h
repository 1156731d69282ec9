// Settings as text: the YAML that a run saves, the help, and a flat map for comparisons.
#pragma once

#include <map>
#include <string>

#include "charrnn/config/settings.h"

namespace charrnn {

// All settings as YAML that parse_saved (config_file.h) reads back to equal values.
std::string to_yaml(const Settings& settings);

// Dotted path -> value as written in YAML.
std::map<std::string, std::string> flatten(const Settings& settings);

// The text of --help-config: every key with type, default, unit, range and help.
std::string config_help();

}  // namespace charrnn
