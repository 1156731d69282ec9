// A cheap sign that a file is still the one that was read: if its stamp is equal, it was not
// replaced or written; if not, its contents must be compared.
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
