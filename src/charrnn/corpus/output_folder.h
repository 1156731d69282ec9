// A folder that appears whole or not at all: it is filled next to its destination under a temporary name,
// then renamed. A run killed at any instant leaves the old corpus as it was; the next run removes what is
// left.
#pragma once

#include <filesystem>
#include <optional>

#include "charrnn/core/file_lock.h"

namespace charrnn {

class OutputFolder {
 public:
  // Throws Error (kInput) if `target` exists, unless it is an empty folder or a corpus of charrnn that
  // holds only the files that its manifest lists.
  explicit OutputFolder(const std::filesystem::path& target);
  ~OutputFolder();  // removes the temporary folder unless commit() was reached
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }  // fill this one
  // The files must be on disk. Replaces the old corpus, then removes it. Throws as above if other files were
  // put into the folder meanwhile.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
  std::optional<FileLock> lock_;  // on a file in the temporary folder
};

}  // namespace charrnn
