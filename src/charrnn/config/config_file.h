// One YAML file is one whole run. Reads it, with --set overrides, into Settings; prints Settings again.
// Every problem of a file is reported at once: file, line, what was found, what would be valid, the nearest
// known key.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

// Settings, and where each that was given came from ("configs/a.yaml:12", "--set train.steps=5").
struct Config {
  Settings settings;
  std::map<std::string, std::string> origins;     // by dotted path
  std::map<std::string, std::string> overridden;  // dotted path -> as --set gave it
  std::vector<std::string> notes;  // what --set replaced besides its own setting, for the screen
  std::string name;                // of the file

  // For messages: where `path` was set, or that it has its default.
  std::string where(const std::string& path) const;
};

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

// All settings as YAML that parse_saved reads back to equal values.
std::string to_yaml(const Settings& settings);

// Dotted path -> value as written in YAML.
std::map<std::string, std::string> flatten(const Settings& settings);

// The text of --help-config: every key with type, default, unit, range and help.
std::string config_help();

}  // namespace charrnn
