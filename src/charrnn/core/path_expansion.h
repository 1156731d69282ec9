// Paths in configs and lists, where no shell reads them.
#pragma once

#include <string>

namespace charrnn {

// What a shell would make of it: "~" and "~/x" begin with $HOME; "$NAME" and "${NAME}" are the variables of
// the environment. "$$" is a dollar sign. Throws Error (usage) if a variable is not set, and for "~user".
std::string expand_path(const std::string& path);

}  // namespace charrnn
