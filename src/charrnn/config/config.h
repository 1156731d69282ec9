// A config that was read: its settings, and where each given one was set, for messages.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

struct Config {
  Settings settings;
  std::map<std::string, std::string> origins;  // by dotted path: "configs/a.yaml:12", "--set train.steps=5"
  std::map<std::string, std::string> overridden;  // dotted path -> the text after --set
  std::vector<std::string> notes;  // for the screen: what --set replaced, and what has no effect
  std::string name;                // of the file

  // For messages: where `path` was set, or that it has its default value.
  std::string where(const std::string& path) const;
};

}  // namespace charrnn
