#include "charrnn/core/file_stamp.h"

#include <sys/stat.h>

namespace charrnn {

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  struct stat found = {};
  if (stat(file.c_str(), &found) != 0) return std::nullopt;
  return FileStamp{found.st_dev, found.st_ino, static_cast<uint64_t>(found.st_size), found.st_mtim.tv_sec,
                   found.st_mtim.tv_nsec};
}

}  // namespace charrnn
