// A lock on a file, held by one process at a time. The system releases it when the process ends, in whatever
// way. The file stays: if it were removed while others wait for it, two processes could hold the lock.
#pragma once

#include <filesystem>
#include <string>

namespace charrnn {

class FileLock {
 public:
  enum class State {
    kHeld,           // by this process
    kHeldElsewhere,  // by another process, perhaps on another host
    kUnsupported,    // the file system has no locks
  };

  // Creates the file if it does not exist. Throws Error if it cannot be opened.
  explicit FileLock(std::filesystem::path file);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  State state() const { return state_; }
  // If kHeld: writes the host and the process id into the file.
  void sign();
  // If kHeldElsewhere and signed: " (host H, process 12)", else empty.
  std::string holder() const;
  // If kUnsupported: the system's message.
  const std::string& reason() const { return reason_; }
  bool was_created() const { return was_created_; }
  // The path still leads to the opened file: neither it nor its folder was removed, renamed or replaced.
  bool is_in_place() const;
  // Removes the file, for a process that created it and must leave no trace.
  void remove();

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  State state_ = State::kHeld;
  std::string reason_;
  bool was_created_ = false;
  bool is_signed_ = false;
};

}  // namespace charrnn
