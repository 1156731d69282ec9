#include "charrnn/core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "charrnn/core/system_reason.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporary = ".tmp-";  // then the process id
constexpr std::string_view kMovedAway = ".old-";
constexpr size_t kLongestName = 255;  // of a file, in bytes

fs::path with_process(const fs::path& path, std::string_view ending) {
  return path.string() + std::string(ending) + std::to_string(getpid());
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Throws Error with the reason in errno.
template <class... Parts>
[[noreturn]] void fail_writing(const Parts&... parts) {
  const int error_number = errno;
  const std::string message = concat(parts..., ": ", system_reason(error_number));
  if (is_disk_full(error_number)) throw DiskFullError(message + ": free some space");
  if (error_number == EFBIG) fail(message, ": raise the limit of file sizes (ulimit -f)");
  fail(message, ": check the folder, its permissions and its disk");
}

// Not every file system can fsync a folder, or even a file.
bool has_no_fsync(int error_number) {
  return error_number == EINVAL || error_number == ENOTSUP || error_number == ENOSYS ||
         error_number == EBADF || error_number == EISDIR;
}

// Some file systems (SMB, FUSE) refuse to rename over a file: then the old one is moved away first. If the
// process is killed in between, remove_leftovers() renames the old one back.
void rename_over(const fs::path& from, const fs::path& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return;
  const int error_number = errno;
  const bool may_refuse_to_replace = error_number == EEXIST || error_number == EACCES ||
                                     error_number == EPERM || error_number == EBUSY ||
                                     error_number == ENOTSUP || error_number == EINVAL;
  const fs::path old = with_process(to, kMovedAway);
  if (may_refuse_to_replace && rename(to.c_str(), old.c_str()) == 0) {
    if (rename(from.c_str(), to.c_str()) == 0) {
      unlink(old.c_str());
      return;
    }
    rename(old.c_str(), to.c_str());
  }
  errno = error_number;
  fail_writing("cannot rename ", from, " to ", to);
}

void sync(const fs::path& path, int flags) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (descriptor < 0 && errno == EACCES) return;  // the folder is writable but not readable
  if (descriptor < 0) fail_writing("cannot open ", path);
  const bool is_synced = fsync(descriptor) == 0 || has_no_fsync(errno);
  const int error_number = errno;
  close(descriptor);
  errno = error_number;
  if (!is_synced) fail_writing("cannot write ", path, " to disk");
}

// The part of `name` before `ending` and digits, if `name` ends with these.
std::optional<std::string> before(const std::string& name, std::string_view ending) {
  const size_t place = name.rfind(ending);
  if (place == std::string::npos || place + ending.size() == name.size()) return std::nullopt;
  const bool has_digits = std::all_of(name.begin() + static_cast<std::ptrdiff_t>(place + ending.size()),
                                      name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return has_digits ? std::optional(name.substr(0, place)) : std::nullopt;
}

}  // namespace

bool is_disk_full(int error_number) {
  return error_number == ENOSPC || error_number == EDQUOT;
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(with_process(path_, kTemporary)) {
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_writing("cannot write ", temporary_);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_writing("writing ", path_, " stopped");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0 && !has_no_fsync(errno)) fail_writing("cannot write ", temporary_, " to disk");
  const int descriptor = std::exchange(descriptor_, -1);
  if (close(descriptor) != 0) fail_writing("cannot close ", temporary_);
  rename_over(temporary_, path_);
  temporary_.clear();
  sync_folder(folder_of(path_));
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void replace_link(const fs::path& link, const std::string& target) {
  const fs::path temporary = with_process(link, kTemporary);
  unlink(temporary.c_str());
  if (symlink(target.c_str(), temporary.c_str()) == 0) {
    rename_over(temporary, link);
    sync_folder(folder_of(link));
  } else {
    write_file_atomically(link, target + "\n");
  }
}

std::optional<std::string> link_target(const fs::path& link) {
  std::error_code problem;
  const fs::path target = fs::read_symlink(link, problem);
  if (!problem) return target.filename().string();
  if (!fs::is_regular_file(link, problem) || fs::file_size(link, problem) > kLongestName + 1) {
    return std::nullopt;
  }
  std::string name = read_file(link);
  if (name.ends_with('\n')) name.pop_back();
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isgraph(c) != 0 && c != '/';
  });
  return is_name ? std::optional(name) : std::nullopt;
}

void remove_leftovers(const fs::path& folder, bool (*is_ours)(const std::string& file)) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
  for (const fs::path& path : found) {
    const std::string name = path.filename().string();
    const auto moved_from = before(name, kMovedAway);
    const auto file = moved_from ? moved_from : before(name, kTemporary);
    if (!file || !is_ours(*file)) continue;
    if (moved_from && !fs::exists(fs::symlink_status(folder / *file))) {
      fs::rename(path, folder / *file);
    } else {
      fs::remove(path);
    }
  }
}

void sync_folder(const fs::path& folder) {
  sync(folder, O_DIRECTORY);
}

void sync_file(const fs::path& file) {
  sync(file, 0);
}

std::string read_file(const fs::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in.good()) fail("cannot read the file ", path, ": ", system_reason());
  check(!fs::is_directory(path), "cannot read the file ", path, ": it is a folder");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace charrnn
