// What every tool's main does: runs the tool and turns what it throws into a message on standard error and an
// exit code.
#pragma once

#include <functional>

namespace charrnn {

// Opens those of standard input, output and error that were closed when the process started, such that they
// fail: the next file that is opened would take their place, and what is printed would be written into it.
void open_standard_streams();

// Throws Error if standard output has not taken all that was printed (a full disk, a closed pipe).
void check_output();

// `tool` returns its exit code. Error gives the code of its kind; any other exception is code 1.
int run_tool(const std::function<int()>& tool);

}  // namespace charrnn
