// A file that is either whole under its name or not there: written beside it under a temporary name, fsynced,
// renamed, and the folder fsynced. A process killed at any instant leaves the old file untouched.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace charrnn {

class AtomicFile {
 public:
  // Opens PATH.tmp-PID. Throws Error where the folder cannot be written.
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

// Points LINK at TARGET (a name in the same folder), replacing an older link in one step.
void replace_link(const std::filesystem::path& link, const std::string& target);

// Makes a rename or removal in FOLDER survive a power cut.
void sync_folder(const std::filesystem::path& folder);

// The whole file. Throws Error (expected a readable file) where it cannot.
std::string read_file(const std::filesystem::path& path);

}  // namespace charrnn
