// Environment variables.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace charrnn {

// The variable's value; nullopt if it is not set, or empty.
inline std::optional<std::string> environment_variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

}  // namespace charrnn
