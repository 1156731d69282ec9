// Which files a pattern matches, as in shells and Python's glob: * ? [...] within one part of a path, ** as a
// whole part for any number of folders, also 0. Hidden entries are only matched by a part that begins with a
// dot.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace charrnn {

bool has_wildcards(std::string_view text);

struct GlobMatches {
  std::vector<std::filesystem::path> paths;       // files and folders, each once, sorted
  std::vector<std::filesystem::path> unreadable;  // folders that may hold other matches
};

// ** follows links to folders, except to a folder in which it already is, so that cycles end.
GlobMatches match_glob(const std::filesystem::path& pattern);

// Whether a name matches a pattern in which * and ? also match a slash, and "**/" also matches nothing.
bool matches_name(const std::string& pattern, const std::string& name);

}  // namespace charrnn
