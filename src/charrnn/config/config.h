// A config that was read: its settings, and where each that was given came from, for messages.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

struct Config {
  Settings settings;
  std::map<std::string, std::string> origins;  // by dotted path: "configs/a.yaml:12", "--set train.steps=5"
  std::map<std::string, std::string> overridden;  // dotted path -> as --set gave it
  std::vector<std::string> notes;  // for the screen: what --set replaced, and what has no effect
  std::string name;                // of the file

  // For messages: where `path` was set, or that it has its default.
  std::string where(const std::string& path) const;
};

}  // namespace charrnn
