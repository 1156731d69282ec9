// Reserves the folder of a run for one process. A start that is refused leaves no trace.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "charrnn/core/file_lock.h"

namespace charrnn {

class RunClaim {
 public:
  // Creates the folder if it does not exist, and locks the file .lock in it. Throws Error (kInput) if
  // another process holds the lock, or the folder cannot be written. Warns if the file system has no locks.
  explicit RunClaim(const std::filesystem::path& folder);
  ~RunClaim();  // unless keep() was called, removes what the constructor created
  RunClaim(const RunClaim&) = delete;
  RunClaim& operator=(const RunClaim&) = delete;

  // Call this when the start was not refused.
  void keep();
  // No other process writes into the folder, as far as the file system's locks show.
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
