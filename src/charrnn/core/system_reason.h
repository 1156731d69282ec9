// Why the last system call failed, in words.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace charrnn {

inline std::string system_reason(int error_number = errno) {
  return std::generic_category().message(error_number);
}

}  // namespace charrnn
