// What an exception means: a message for people, and its kind for the program.
#pragma once

#include <exception>
#include <string>

#include "charrnn/core/error.h"

namespace charrnn {

// The message of an Error; of any other exception its text without the stack that LibTorch appends, and with
// advice if memory ran out.
std::string exception_reason(const std::exception& problem);

// The kind of an Error, kFailed for any other exception.
ErrorKind error_kind_of(const std::exception& problem);

}  // namespace charrnn
