// Expands ~ and environment variables in paths of configs and lists, which no shell expands.
#pragma once

#include <string>

namespace charrnn {

// As a shell expands it: "~" and "~/x" begin with $HOME; "$NAME" and "${NAME}" are the variables of
// the environment. "$$" is a dollar sign. Throws Error (kInput) if a variable is not set, and for "~user".
std::string expand_path(const std::string& path);

}  // namespace charrnn
