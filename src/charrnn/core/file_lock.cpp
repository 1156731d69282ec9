#include "charrnn/core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/core/host_name.h"
#include "charrnn/core/system_reason.h"

namespace charrnn {

// Opened for writing, because NFS replaces flock by a lock of fcntl, which requires that.
FileLock::FileLock(std::filesystem::path file) : file_(std::move(file)) {
  descriptor_ = open(file_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  was_created_ = descriptor_ >= 0;
  if (!was_created_) descriptor_ = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  check(descriptor_ >= 0, "cannot write ", file_, ": ", system_reason());
  int result = 0;
  do {
    result = flock(descriptor_, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return;
  state_ = errno == EWOULDBLOCK || errno == EACCES ? State::kHeldElsewhere : State::kUnsupported;
  reason_ = system_reason();
}

FileLock::~FileLock() {
  // Only for the messages of other processes: it does not matter if the disk is full.
  [[maybe_unused]] const bool is_emptied = is_signed_ && ftruncate(descriptor_, 0) == 0;
  close(descriptor_);
}

void FileLock::sign() {
  const std::string holder = concat("host ", host_name(), ", process ", getpid(), "\n");
  is_signed_ = ftruncate(descriptor_, 0) == 0 &&
               pwrite(descriptor_, holder.data(), holder.size(), 0) == std::ssize(holder);
}

std::string FileLock::holder() const {
  std::array<char, 300> text{};
  const ssize_t length = pread(descriptor_, text.data(), text.size(), 0);
  const std::string line(text.data(), static_cast<size_t>(std::max<ssize_t>(length, 0)));
  const size_t end = line.find('\n');
  return line.starts_with("host ") && end != std::string::npos ? concat(" (", line.substr(0, end), ")") : "";
}

bool FileLock::is_in_place() const {
  struct stat opened {};
  struct stat found {};
  const bool are_there = fstat(descriptor_, &opened) == 0 && stat(file_.c_str(), &found) == 0;
  if (!are_there) return errno != ENOENT && errno != ENOTDIR && errno != ESTALE;  // a network may be down
  return opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

void FileLock::remove() {
  unlink(file_.c_str());
}

}  // namespace charrnn
