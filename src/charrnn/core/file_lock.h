// A file that one process at a time holds. The system frees it when the process ends, however it ends. The
// file stays: removing it while others wait for it would let two of them in.
#pragma once

#include <filesystem>
#include <string>

namespace charrnn {

class FileLock {
 public:
  enum class State {
    kHeld,           // by this process
    kHeldElsewhere,  // by another one, maybe on another host
    kUnsupported,    // the file system has no locks
  };

  // Creates the file if it does not exist. Throws Error if it cannot be opened.
  explicit FileLock(std::filesystem::path file);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  State state() const { return state_; }
  // If kHeld: writes into the file who holds it.
  void sign();
  // If kHeldElsewhere and signed: " (host H, process 12)", else empty.
  std::string holder() const;
  // If kUnsupported: the system's message.
  const std::string& reason() const { return reason_; }
  bool was_created() const { return was_created_; }
  // The path still leads to the file that was opened: nobody removed, renamed or replaced it or its folder.
  bool is_in_place() const;
  // For a process that created it and is to leave no trace.
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
