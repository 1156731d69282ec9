// A file that is either whole under its name or not there: written next to it under a temporary name,
// fsynced, renamed, and the folder fsynced. A process killed at any instant leaves the old file untouched.
// Works, with what they have, on file systems without symbolic links, without fsync of folders, or whose
// rename replaces nothing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "charrnn/core/error.h"

namespace charrnn {

// The disk is full, or the user's quota is used up: existing files are untouched, and a later attempt may
// succeed.
class DiskFullError : public Error {
 public:
  using Error::Error;
};

// Whether a system call failed with this errno for lack of space.
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

// Removes what a killed process left in `folder` of writing a file for which `is_ours` is true, except for
// the only copy of a file, which gets its name back. Not while another process may be writing such a file.
void remove_leftovers(const std::filesystem::path& folder, bool (*is_ours)(const std::string& file));

// Makes a rename or removal in `folder`, or what was written to `file`, survive a power cut.
void sync_folder(const std::filesystem::path& folder);
void sync_file(const std::filesystem::path& file);

// The whole file. Throws Error (expected a readable file) if it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace charrnn
