#include "charrnn/config/config.h"

#include "charrnn/core/error.h"

namespace charrnn {

std::string Config::where(const std::string& path) const {
  const auto found = origins.find(path);
  return found == origins.end() ? concat(name, " (", path, " has its default)") : found->second;
}

}  // namespace charrnn
