// Why the last system call failed, in words.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace charrnn {

inline std::string system_reason() {
  return std::generic_category().message(errno);
}

}  // namespace charrnn
