// What the main of every tool does: runs the tool, and turns exceptions into a message on standard error and
// an exit code.
#pragma once

#include <functional>

namespace charrnn {

// If standard input, output or error was closed when the process started, opens /dev/null in its place, such
// that using it fails. Otherwise the next file opened would take its number, and receive what is printed.
void open_standard_streams();

// Throws Error if standard output could not be written completely (a full disk, a closed pipe).
void check_output();

// Returns the exit code that `tool` returns, or that of the kind of the Error it throws; 1 for any other
// exception.
int run_tool(const std::function<int()>& tool);

}  // namespace charrnn
