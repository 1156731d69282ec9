// How one setting is written, read and checked, by its type: `SettingOf<T>` for each type that a setting has.
#pragma once

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "charrnn/config/enum_names.h"
#include "charrnn/config/period.h"
#include "charrnn/config/sample_settings.h"
#include "charrnn/config/setting.h"
#include "charrnn/config/train_settings.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {

template <class Number>
bool read_number(const std::string& text, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

// For the type of a setting: its name, how a value is written as text and read. read() returns false if the
// node has no such value.
template <class T>
struct Value;

template <>
struct Value<bool> {
  static std::string type() { return "true or false"; }
  static std::string text(bool value) { return value ? "true" : "false"; }
  static bool read(const YAML::Node& node, bool& value) {
    if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false")) return false;
    value = node.Scalar() == "true";
    return true;
  }
};

template <>
struct Value<int64_t> {
  static std::string type() { return "a whole number"; }
  static std::string text(int64_t value) { return std::to_string(value); }
  static bool read(const YAML::Node& node, int64_t& value) {
    return node.IsScalar() && read_number(node.Scalar(), value);
  }
};

template <>
struct Value<double> {
  static std::string type() { return "a number"; }
  static std::string text(double value) { return number_text(value); }
  static bool read(const YAML::Node& node, double& value) {
    return node.IsScalar() && read_number(node.Scalar(), value) && std::isfinite(value);
  }
};

template <>
struct Value<std::string> {
  static std::string type() { return "text"; }
  static std::string text(const std::string& value) {
    YAML::Emitter out;
    out << YAML::DoubleQuoted << value;
    return out.c_str();
  }
  static bool read(const YAML::Node& node, std::string& value) {
    if (!node.IsScalar()) return false;
    value = node.Scalar();
    return true;
  }
};

template <>
struct Value<Period> {
  static std::string type() { return "a number of steps, or `N epochs`"; }
  static std::string text(const Period& period) {
    return number_text(period.count) + (period.in_epochs ? " epochs" : "");
  }
  static bool read(const YAML::Node& node, Period& period) {
    if (!node.IsScalar()) return false;
    const std::string& words = node.Scalar();
    const size_t blank = words.find(' ');
    const std::string unit = blank == std::string::npos ? "steps" : words.substr(blank + 1);
    period.in_epochs = unit == "epoch" || unit == "epochs";
    if (!period.in_epochs && unit != "step" && unit != "steps") return false;
    if (!read_number(words.substr(0, blank), period.count) || !std::isfinite(period.count)) return false;
    return period.in_epochs || period.count == std::floor(period.count);
  }
};

template <>
struct Value<LengthRange> {
  static std::string type() { return "a whole number, or a range such as [10, 40], the smaller first"; }
  static std::string text(const LengthRange& length) {
    return length.is_range() ? concat("[", length.min, ", ", length.max, "]") : std::to_string(length.min);
  }
  static bool read(const YAML::Node& node, LengthRange& length) {
    const bool is_pair = node.IsSequence() && node.size() == 2;
    return Value<int64_t>::read(is_pair ? node[0] : node, length.min) &&
           Value<int64_t>::read(is_pair ? node[1] : node, length.max) && length.min <= length.max;
  }
};

template <>
struct Value<Temperature> {
  static std::string type() { return "a number or greedy"; }
  static std::string text(const Temperature& temperature) {
    return temperature.value == 0 ? "greedy" : number_text(temperature.value);
  }
  static bool read(const YAML::Node& node, Temperature& temperature) {
    if (!node.IsScalar() || node.Scalar() != "greedy") return Value<double>::read(node, temperature.value);
    temperature.value = 0;
    return true;
  }
};

template <>
struct Value<SourceSettings> {
  static std::string type() { return "a path or {path: , encoding: , json_field: }"; }
  static std::string text(const SourceSettings& source) {
    const auto quoted = Value<std::string>::text;
    if (!source.encoding && !source.json_field) return quoted(source.path);
    std::string map = "{path: " + quoted(source.path);
    if (source.encoding) map += ", encoding: " + quoted(*source.encoding);
    if (source.json_field) map += ", json_field: " + quoted(*source.json_field);
    return map + "}";
  }
  static bool read(const YAML::Node& node, SourceSettings& source) {
    source = SourceSettings();
    if (node.IsScalar()) return Value<std::string>::read(node, source.path);
    if (!node.IsMap()) return false;
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      std::string value;
      if (!Value<std::string>::read(entry.second, value)) return false;
      if (key == "path") {
        source.path = value;
      } else if (key == "encoding") {
        source.encoding = value;
      } else if (key == "json_field") {
        source.json_field = value;
      } else {
        return false;
      }
    }
    return !source.path.empty();
  }
};

template <class T>
struct Value<std::vector<T>> {
  static std::string type() { return "a list, each element " + Value<T>::type(); }
  static std::string text(const std::vector<T>& values) {
    std::string list;
    for (const T& value : values) list += (list.empty() ? "" : ", ") + Value<T>::text(value);
    return "[" + list + "]";
  }
  static bool read(const YAML::Node& node, std::vector<T>& values) {
    values.assign(1, T());
    if (!node.IsSequence()) return Value<T>::read(node, values[0]);  // one element needs no brackets
    values.resize(node.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (!Value<T>::read(node[i], values[i])) return false;
    }
    return true;
  }
};

template <class Enum>
requires std::is_enum_v<Enum>
struct Value<Enum> {
  static std::string type() {
    std::string list;
    for (const std::string_view name : names_of(Enum{})) {
      list += (list.empty() ? "" : " | ") + std::string(name);
    }
    return list;
  }
  static std::string text(Enum value) { return std::string(enum_name(value)); }
  static bool read(const YAML::Node& node, Enum& value) {
    const std::optional<Enum> found = node.IsScalar() ? enum_value<Enum>(node.Scalar()) : std::nullopt;
    value = found.value_or(value);
    return found.has_value();
  }
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
std::string type_of(const SettingInfo& info) {
  if constexpr (IsOptional<T>::value) {
    return concat(Value<typename T::value_type>::type(), " or ", info.word);
  } else {
    return Value<T>::type();
  }
}

template <class T>
std::string text_of(const T& value, const SettingInfo& info) {
  if constexpr (IsOptional<T>::value) {
    return value ? Value<typename T::value_type>::text(*value) : std::string(info.word);
  } else {
    return Value<T>::text(value);
  }
}

template <class T>
bool read_value(const YAML::Node& node, const SettingInfo& info, T& value) {
  if constexpr (IsOptional<T>::value) {
    if (node.IsScalar() && node.Scalar() == info.word) {
      value.reset();
      return true;
    }
    return Value<typename T::value_type>::read(node, value.emplace());
  } else {
    return Value<T>::read(node, value);
  }
}

// Whether every number in `value` is in the range of its setting.
template <class T>
bool in_range(const T& value, const SettingInfo& info) {
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
    return static_cast<double>(value) >= info.min && static_cast<double>(value) <= info.max;
  } else if constexpr (std::is_same_v<T, Period>) {
    return in_range(value.count, info);
  } else if constexpr (std::is_same_v<T, LengthRange>) {
    return in_range(value.min, info) && in_range(value.max, info);
  } else if constexpr (std::is_same_v<T, Temperature>) {
    return in_range(value.value, info);
  } else if constexpr (IsOptional<T>::value) {
    return !value || in_range(*value, info);
  } else if constexpr (IsVector<T>::value) {
    return std::all_of(value.begin(), value.end(), [&](const auto& one) { return in_range(one, info); });
  } else {
    return true;
  }
}

template <class T>
PlainValue plain_of(const T& value, const SettingInfo& info) {
  if constexpr (IsOptional<T>::value) {
    return value ? plain_of(*value, info) : std::string(info.word);
  } else if constexpr (std::is_constructible_v<PlainValue, T>) {
    return value;
  } else {
    return Value<T>::text(value);
  }
}

template <class T>
class SettingOf : public Setting {
 public:
  SettingOf(std::string_view name_in_section, T& value, const SettingInfo& given_info)
      : Setting(name_in_section, given_info), value_(value) {}

  std::string type() const override { return type_of<T>(info); }
  std::string text() const override { return text_of(value_, info); }
  PlainValue plain() const override { return plain_of(value_, info); }
  std::string read(const YAML::Node& node) override {
    T given = value_;
    std::ostringstream found;
    found << node;
    if (!read_value(node, info, given)) return concat(" is `", found.str(), "`, expected ", type());
    if (!in_range(given, info)) return concat(" is ", found.str(), ", expected ", info.range());
    value_ = std::move(given);
    return "";
  }

 private:
  T& value_;
};

}  // namespace charrnn
