// What every tool's main does: runs the tool and turns what it throws into a message on standard error and an
// exit code.
#pragma once

#include <functional>

namespace charrnn {

// `tool` returns its exit code. Error gives its own code; any other exception is code 1.
int run_tool(const std::function<int()>& tool);

}  // namespace charrnn
