// The names of enumeration values in config files. Each enumeration of the settings is followed by a function
// `names_of` that returns its names in the order of its values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace charrnn {

template <class... Names>
constexpr std::array<std::string_view, sizeof...(Names)> enum_names(Names... names) {
  return {names...};
}

template <class Enum>
constexpr std::string_view enum_name(Enum value) {
  return names_of(value)[static_cast<size_t>(value)];
}

// The value with this name.
template <class Enum>
std::optional<Enum> enum_value(std::string_view name) {
  const auto names = names_of(Enum{});
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace charrnn
