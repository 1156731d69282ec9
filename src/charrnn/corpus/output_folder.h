// A folder that appears whole or not at all: filled next to its place under a temporary name, then swapped
// in. A run killed at any instant leaves the old corpus as it was; what it left is removed by the next run.
#pragma once

#include <filesystem>
#include <optional>

#include "charrnn/core/file_lock.h"

namespace charrnn {

class OutputFolder {
 public:
  // Throws Error (exit code 2) if `target` exists and is anything but an empty folder or a corpus of
  // ours with nothing else in it: all that its manifest lists, and no more.
  explicit OutputFolder(const std::filesystem::path& target);
  ~OutputFolder();  // removes the temporary folder unless commit() was reached
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }  // fill this one
  // Its files must be on disk. Replaces the old corpus, then removes it. Throws as above if something else
  // was put into the folder meanwhile.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
  std::optional<FileLock> lock_;  // on a file in the temporary folder
};

}  // namespace charrnn
