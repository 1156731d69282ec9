// When preloaded, imitates a file system without the functions listed in CHARRNN_POOR_FILE_SYSTEM (symlink,
// fsync, lock, rename: over an existing file), like cloud drives, SMB and FUSE. Also, all writes below the
// folder CHARRNN_FAILING_DISK fail while a file of that name with the ending .errno exists, which contains
// the number of the error.
#include <dlfcn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

bool lacks(const char* feature) {
  const char* const list = std::getenv("CHARRNN_POOR_FILE_SYSTEM");
  return list != nullptr && std::strstr(list, feature) != nullptr;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int error_of_disk(int descriptor) {
  const char* const folder = std::getenv("CHARRNN_FAILING_DISK");
  if (folder == nullptr) return 0;
  std::ifstream in(std::string(folder) + ".errno");
  int number = 0;
  if (!(in >> number)) return 0;
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  if (readlink(link.c_str(), path.data(), path.size() - 1) < 0) return 0;
  return std::string(path.data()).starts_with(folder) ? number : 0;
}

}  // namespace

extern "C" {

int symlink(const char* target, const char* link) noexcept {
  if (!lacks("symlink")) return next<int (*)(const char*, const char*)>("symlink")(target, link);
  errno = EOPNOTSUPP;
  return -1;
}

int fsync(int descriptor) {
  if (!lacks("fsync")) return next<int (*)(int)>("fsync")(descriptor);
  errno = EINVAL;
  return -1;
}

int flock(int descriptor, int operation) noexcept {
  if (!lacks("lock")) return next<int (*)(int, int)>("flock")(descriptor, operation);
  errno = ENOLCK;
  return -1;
}

int rename(const char* from, const char* to) noexcept {
  struct stat there {};
  if (!lacks("rename") || lstat(to, &there) != 0)
    return next<int (*)(const char*, const char*)>("rename")(from, to);
  errno = EEXIST;
  return -1;
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  if (const int number = error_of_disk(descriptor); number != 0) {
    errno = number;
    return -1;
  }
  return next<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, count);
}

}  // extern "C"
