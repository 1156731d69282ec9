#include "core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace charrnn {
namespace {

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  return path.string() + ".tmp-" + std::to_string(getpid());
}

std::string reason() {
  return std::generic_category().message(errno);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_name(path_)) {
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  check(descriptor_ >= 0, "cannot write ", temporary_, ": ", reason(),
        ": check the folder and its permissions");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    check(written > 0, "writing ", path_, " stopped: ", reason(), ": free some space and run again");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  check(fsync(descriptor_) == 0, "cannot bring ", temporary_, " to disk: ", reason());
  const int descriptor = std::exchange(descriptor_, -1);
  check(close(descriptor) == 0, "cannot close ", temporary_, ": ", reason());
  std::filesystem::rename(temporary_, path_);
  sync_folder(folder_of(path_));
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void replace_link(const std::filesystem::path& link, const std::string& target) {
  const std::filesystem::path temporary = temporary_name(link);
  std::filesystem::remove(temporary);
  std::filesystem::create_symlink(target, temporary);
  std::filesystem::rename(temporary, link);
  sync_folder(folder_of(link));
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(descriptor >= 0, "cannot open the folder ", folder, ": ", reason());
  const int result = fsync(descriptor);
  close(descriptor);
  check(result == 0, "cannot bring the folder ", folder, " to disk: ", reason());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  check(in.good() && !std::filesystem::is_directory(path), "cannot read the file ", path, ": ",
        std::generic_category().message(errno ? errno : EISDIR));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace charrnn
