// One setting: its name, help, unit and range, and its value in some `Settings`, whatever the value's type
// is. settings_table.h lists all of them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "charrnn/config/corpus_settings.h"

namespace YAML {
class Node;
}

namespace charrnn {

// How a setting is explained and checked.
struct SettingInfo {
  std::string range() const;  // "1 or more"; empty: any number

  std::string_view help;
  std::string_view unit = "";
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string_view word = "auto";  // how an optional without a value is written
};

// A value in one of few types: an enumeration by its name, an optional without a value by its word, and what
// has a type that only settings have as YAML.
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
  // Takes the value of `node` and returns "". If it has another type or is out of range, the setting keeps
  // its value, and what was found and what was expected is returned.
  virtual std::string read(const YAML::Node& node) = 0;

  const std::string_view name;
  const SettingInfo info;
};

// "train", "steps" -> "train.steps"
std::string joined_path(const std::string& prefix, std::string_view name);

}  // namespace charrnn
