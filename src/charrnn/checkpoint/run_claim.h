// A start's claim on the folder of a run: one process trains in it, and a start that is refused has touched
// nothing.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "charrnn/core/file_lock.h"

namespace charrnn {

class RunClaim {
 public:
  // Makes the folder if it does not exist, and locks the file .lock in it. Throws Error (exit code 2) if
  // another process holds that, or the folder cannot be written. A file system without locks is a warning.
  explicit RunClaim(const std::filesystem::path& folder);
  ~RunClaim();  // unless keep() was called, removes what it made
  RunClaim(const RunClaim&) = delete;
  RunClaim& operator=(const RunClaim&) = delete;

  // The start was not refused.
  void keep();
  // No other process writes into the folder, as far as the file system can tell.
  bool is_exclusive() const { return lock_->state() == FileLock::State::kHeld; }
  // Nobody deleted, renamed or replaced the folder.
  bool is_in_place() const { return lock_->is_in_place(); }

 private:
  void make_folders();
  void remove_folders();

  std::filesystem::path folder_;
  std::vector<std::filesystem::path> made_;  // from the outermost inwards
  std::unique_ptr<FileLock> lock_;
  bool is_kept_ = false;
};

}  // namespace charrnn
