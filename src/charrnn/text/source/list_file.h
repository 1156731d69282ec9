// @FILE in a setting: a file that lists entries, one per line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace charrnn {

// The lines of a list, without blanks at their ends, empty ones and those that begin with #. Throws Error
// (kInput) if the file cannot be read; `setting` is the setting that has @FILE.
std::vector<std::string> read_list(const std::filesystem::path& file, const std::string& setting);

}  // namespace charrnn
