// A folder for large temporary files, removed at the end.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "charrnn/core/error.h"

namespace charrnn {

class ScratchFolder {
 public:
  // Throws Error if it cannot be created.
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "charrnn-bench-XXXXXX").string();
    check(mkdtemp(pattern.data()) != nullptr, "cannot create a folder such as ", pattern, ": ",
          std::strerror(errno), ": set TMPDIR to a folder with free space");
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace charrnn
