// Which files a pattern stands for, as shells and Python's glob read it: * ? [...] within one part of a path,
// ** as a whole part for any number of folders, also none. Hidden entries match only what begins with a dot.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace charrnn {

bool has_wildcards(std::string_view text);

struct GlobMatches {
  std::vector<std::filesystem::path> paths;       // files and folders, each once, sorted
  std::vector<std::filesystem::path> unreadable;  // folders that may have others
};

// ** follows links to folders, but not into a folder that it is in already, so cycles end.
GlobMatches match_glob(const std::filesystem::path& pattern);

// Whether a name matches a pattern in which * and ? also stand for a slash, and "**/" also for nothing.
bool matches_name(const std::string& pattern, const std::string& name);

}  // namespace charrnn
