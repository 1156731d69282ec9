#include "charrnn/core/path_expansion.h"

#include <algorithm>
#include <string_view>

#include "charrnn/core/environment.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

constexpr std::string_view kFirstOfName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
constexpr std::string_view kInName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

std::string value_of(const std::string& name, const std::string& path, const char* advice) {
  const auto value = environment_variable(name.c_str());
  if (!value) {
    fail_usage("the path ", path, " needs the environment variable ", name, ", which is not set: ", advice);
  }
  return *value;
}

}  // namespace

std::string expand_path(const std::string& path) {
  std::string expanded;
  size_t at = 0;
  if (path.starts_with('~')) {
    if (path.size() > 1 && path[1] != '/') {
      fail_usage("the path ", path,
                 " begins with ~ and a name: only ~ and ~/ are expanded, to $HOME; write the folder "
                 "of that user in full, or ./",
                 path, " for a file with this name");
    }
    expanded = value_of("HOME", path, "set it, or write the path in full");
    at = 1;
  }
  while (at < path.size()) {
    const size_t dollar = std::min(path.find('$', at), path.size());
    expanded += path.substr(at, dollar - at);
    at = dollar + 1;
    if (dollar == path.size()) break;
    if (path.substr(at, 1) == "$") {
      expanded += '$';
      ++at;
      continue;
    }
    const bool has_braces = path.substr(at, 1) == "{";
    const size_t first = at + (has_braces ? 1 : 0);
    const size_t end = std::min(path.find_first_not_of(kInName, first), path.size());
    const bool is_name = first < end && kFirstOfName.find(path[first]) != std::string_view::npos;
    if (has_braces && (!is_name || path.substr(end, 1) != "}")) {
      fail_usage("the path ", path,
                 " has a ${ without a NAME} after it: write ${NAME}, or $$ for a dollar sign");
    }
    if (!is_name) {  // a dollar sign that begins no name
      expanded += '$';
      continue;
    }
    expanded += value_of(path.substr(first, end - first), path, "set it, or write $$ for a dollar sign");
    at = end + (has_braces ? 1 : 0);
  }
  return expanded;
}

}  // namespace charrnn
