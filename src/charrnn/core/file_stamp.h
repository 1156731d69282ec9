// A cheap check whether a file was replaced or written since it was read: if its stamp is equal, it was not;
// if the stamp differs, the contents must be compared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace charrnn {

struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t bytes = 0;
  int64_t changed_seconds = 0;  // since 1970
  int64_t changed_nanoseconds = 0;

  bool operator==(const FileStamp&) const = default;
};

// nullopt if the file does not exist or its status cannot be read.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

}  // namespace charrnn
