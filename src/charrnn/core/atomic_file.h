// A file that is either complete under its name or does not exist: it is written under a temporary name in
// the same folder, fsynced, renamed, and the folder fsynced. A process killed at any instant leaves the old
// file untouched. Also works on file systems without symbolic links, without fsync of folders, or whose
// rename does not replace files, as well as they permit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "charrnn/core/error.h"

namespace charrnn {

// The disk is full, or the user's quota is exhausted. Existing files are untouched, and a later attempt may
// succeed.
class DiskFullError : public Error {
 public:
  using Error::Error;
};

// Whether this errno means that a system call failed for lack of space.
bool is_disk_full(int error_number);

class AtomicFile {
 public:
  // Opens the path with `.tmp-` and the process id appended. Throws Error if the folder cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();  // removes the temporary file unless commit() was reached
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view text);

// Points `link` at `target` (a name in the same folder), replacing an older link in one step: a symbolic link
// or, if the file system has none, a text file that holds the name.
void replace_link(const std::filesystem::path& link, const std::string& target);
// The name that `link` points at, in either form; nullopt if it is neither.
std::optional<std::string> link_target(const std::filesystem::path& link);

// Removes the temporary files that a killed process left in `folder`, of files for which `is_ours` is true;
// the only copy of a file is renamed back instead. Not to be called while another process may write such a
// file.
void remove_leftovers(const std::filesystem::path& folder, bool (*is_ours)(const std::string& file));

// Waits until a rename or removal in `folder`, or what was written to `file`, is on disk, so that it survives
// a power cut.
void sync_folder(const std::filesystem::path& folder);
void sync_file(const std::filesystem::path& file);

// The contents of the file. Throws Error if it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace charrnn
