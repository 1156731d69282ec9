// One setting: its name, help, unit and range, and its value in a `Settings`, for values of any type.
// settings_table.h lists all settings.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "charrnn/config/corpus_settings.h"

namespace YAML {  // NOLINT(readability-identifier-naming): the name is yaml-cpp's
class Node;
}

namespace charrnn {

// How a setting is explained and checked.
struct SettingInfo {
  std::string range() const;  // "1 or more"; empty: any number

  std::string_view help;
  std::string_view unit = {};
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string_view word = "auto";  // written for an optional without a value
};

// A value in one of a few types: an enumeration as its name, an optional without a value as its word, and a
// type that only settings have as YAML.
using PlainValue =
    std::variant<bool, int64_t, double, std::string, std::vector<std::string>, std::vector<SourceSettings>>;

class Setting {
 public:
  Setting(std::string_view name_in_section, const SettingInfo& given_info)
      : name(name_in_section), info(given_info) {}
  virtual ~Setting() = default;

  virtual std::string type() const = 0;  // "a whole number or auto"
  virtual std::string text() const = 0;  // the value, as YAML
  virtual PlainValue plain() const = 0;
  // Sets the value from `node` and returns "". If it has another type or is out of range, the setting keeps
  // its value, and the result describes what was found and what was expected.
  virtual std::string read(const YAML::Node& node) = 0;

  const std::string_view name;
  const SettingInfo info;
};

// "train", "steps" -> "train.steps"
std::string joined_path(const std::string& prefix, std::string_view name);

}  // namespace charrnn
