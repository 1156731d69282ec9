#include "charrnn/text/source/list_file.h"

#include <sstream>
#include <system_error>

#include "charrnn/core/error.h"
#include "charrnn/text/source/small_text.h"

namespace charrnn {

std::vector<std::string> read_list(const std::filesystem::path& file, const std::string& setting) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    fail_usage("the list @", file.string(), " of ", setting,
               " is not a regular file: set it to a file with one ", "entry per line");
  }
  std::string text;
  try {
    text = read_small_text(file);
  } catch (const Error& problem) {
    fail_usage("the list @", file.string(), " of ", setting, " cannot be read: ", problem.what());
  }
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    const size_t begin = line.find_first_not_of(" \t");
    if (begin != std::string::npos && line[begin] != '#') lines.push_back(line);
  }
  return lines;
}

}  // namespace charrnn
