#include "charrnn/core/growing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/system_reason.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

std::string read_at(int descriptor, uint64_t begin, uint64_t bytes, const fs::path& path) {
  std::string text(bytes, '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t found =
        pread(descriptor, text.data() + done, text.size() - done, static_cast<off_t>(begin + done));
    if (found < 0 && errno == EINTR) continue;
    check(found > 0, "cannot read ", path, ": ", found < 0 ? system_reason() : "it was truncated meanwhile");
    done += static_cast<size_t>(found);
  }
  return text;
}

// Returns how many bytes were written; if not all, errno has the reason.
size_t write_some(int descriptor, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = write(descriptor, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += static_cast<size_t>(written);
  }
  return done;
}

// Appends to the file of the same name in the folder `discarded`, in whole lines.
void keep_aside(const fs::path& path, std::string text) {
  if (text.empty()) return;
  if (!text.ends_with('\n')) text += '\n';
  const fs::path folder = path.parent_path() / "discarded";
  std::error_code problem;
  fs::create_directories(folder, problem);
  const fs::path file = folder / path.filename();
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool is_written = descriptor >= 0 && write_some(descriptor, text) == text.size();
  const std::string reason = system_reason();
  if (descriptor >= 0) close(descriptor);
  check(is_written, "cannot write ", file, ": ", reason, ": ", path, " has ", text.size(),
        " bytes after the checkpoint, which must be saved there before they are cut off: free some space, or "
        "move that file away");
}

}  // namespace

GrowingFile::GrowingFile(const fs::path& path, uint64_t bytes) : path_(path) {
  try {
    open_at(bytes);
  } catch (const Error&) {
    if (descriptor_ >= 0) close(descriptor_);
    throw;
  }
}

void GrowingFile::open_at(uint64_t bytes) {
  descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  check(descriptor_ >= 0, "cannot write ", path_, ": ", system_reason());
  const off_t end = lseek(descriptor_, 0, SEEK_END);
  check(end >= 0, "cannot find the end of ", path_, ": ", system_reason(), ": expected a file");
  const auto present = static_cast<uint64_t>(end);
  if (present < bytes) {
    log::warning(concat(path_, " has ", present, " bytes, expected the ", bytes,
                        " of the checkpoint: some of its lines "
                        "are lost; new lines are appended to the others"));
  }
  bytes_ = std::min(present, bytes);
  while (bytes_ > 0 && read_at(descriptor_, bytes_ - 1, 1, path_) != "\n") --bytes_;
  if (bytes_ < present) {
    keep_aside(path_, read_at(descriptor_, bytes_, present - bytes_, path_));
    const bool is_cut = ftruncate(descriptor_, static_cast<off_t>(bytes_)) == 0;
    check(is_cut, "cannot cut ", path_, ": ", system_reason());
  }
  const bool is_at_end = lseek(descriptor_, static_cast<off_t>(bytes_), SEEK_SET) >= 0;
  check(is_at_end, "cannot find the end of ", path_, ": ", system_reason());
}

GrowingFile::~GrowingFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

GrowingFile::GrowingFile(GrowingFile&& other) noexcept {
  *this = std::move(other);
}

GrowingFile& GrowingFile::operator=(GrowingFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  std::swap(waiting_, other.waiting_);
  std::swap(lost_bytes_, other.lost_bytes_);
  std::swap(failure_, other.failure_);
  return *this;
}

void GrowingFile::append(const std::string& text) {
  if (descriptor_ < 0 || !failure_.empty()) return;
  if (waiting_.size() + text.size() > kMostWaiting) flush();
  if (waiting_.size() + text.size() > kMostWaiting) {
    lost_bytes_ += text.size();
    return;
  }
  waiting_ += text;
  flush();
}

void GrowingFile::flush() {
  if (descriptor_ < 0 || waiting_.empty() || !failure_.empty()) return;
  const size_t done = write_some(descriptor_, waiting_);
  const int error_number = errno;
  bytes_ += done;
  waiting_.erase(0, done);
  if (!waiting_.empty() && !is_disk_full(error_number)) {
    failure_ = concat("writing ", path_, " stopped: ", system_reason(error_number));
  }
}

bool GrowingFile::is_in_place() const {
  struct stat opened {};
  struct stat found {};
  return descriptor_ < 0 || (fstat(descriptor_, &opened) == 0 && stat(path_.c_str(), &found) == 0 &&
                             opened.st_dev == found.st_dev && opened.st_ino == found.st_ino);
}

void GrowingFile::restore() {
  if (is_in_place()) return;
  GrowingFile fresh(path_, 0);
  fresh.waiting_ = read_at(descriptor_, 0, bytes_, path_) + waiting_;  // of any length
  fresh.flush();
  fresh.lost_bytes_ += lost_bytes_;
  *this = std::move(fresh);
}

}  // namespace charrnn
