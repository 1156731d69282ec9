#include "charrnn/config/setting.h"

#include <cmath>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {

std::string SettingInfo::range() const {
  const bool has_min = std::isfinite(min);
  const bool has_max = std::isfinite(max);
  if (has_min && has_max) return concat(number_text(min), " to ", number_text(max));
  if (has_min) return concat(number_text(min), " or more");
  if (has_max) return concat(number_text(max), " or less");
  return "";
}

std::string joined_path(const std::string& prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : concat(prefix, ".", name);
}

}  // namespace charrnn
