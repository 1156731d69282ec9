// What every tool's main does: runs the tool and turns what it throws into a message on standard error and an
// exit code.
#pragma once

#include <exception>
#include <functional>
#include <string>

namespace charrnn {

// Opens those of standard input, output and error that whoever started the process has closed, such that they
// fail: the next file that is opened would take their place, and what is printed would be written into it.
void open_standard_streams();

// Throws Error where standard output has not taken all that was printed (a full disk, a closed pipe).
void check_output();

// What an exception says, without the stack that LibTorch adds to its own.
std::string reason_of(const std::exception& problem);

// `tool` returns its exit code. Error gives its own code; any other exception is code 1.
int run_tool(const std::function<int()>& tool);

}  // namespace charrnn
