// What an exception means for the user: a message, and the exit code of the process.
#pragma once

#include <exception>
#include <string>

#include "charrnn/core/error.h"

namespace charrnn {

// The message of an Error. For any other exception its text, without the stack trace that LibTorch appends,
// and with advice if memory ran out.
std::string exception_reason(const std::exception& problem);

// The code of an Error, kError for any other exception.
ExitCode exit_code_of(const std::exception& problem);

}  // namespace charrnn
