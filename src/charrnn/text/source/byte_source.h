// The bytes of one file, decompressed if its first bytes show that it is gzip or Zstandard. The hash is that
// of the bytes on disk. Memory: a few blocks, however long the file is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>

#include "charrnn/core/hash.h"

namespace charrnn {

class ByteSource {
 public:
  // Throws Error (kInput) with the file and the reason if it cannot be read.
  explicit ByteSource(const std::filesystem::path& file);
  ~ByteSource();

  // Fills `bytes`; returns how many, fewer than its size (finally 0) only at the end of the file. Throws if
  // reading fails, or if compressed data are damaged or truncated.
  size_t read(std::span<char> bytes);
  // Reads to the end without decompressing; nothing can be read after it.
  void read_to_end();

  uint64_t bytes_on_disk() const { return bytes_on_disk_; }  // read so far
  std::string hash() const { return hasher_.hex(); }         // of these

  struct Decompressor;

 private:
  std::span<const char> read_raw(std::span<char> room);
  bool decompress(std::span<char>& room);

  std::string name_;
  std::ifstream file_;
  std::string raw_;
  std::span<const char> waiting_;  // of raw_, not used yet
  std::unique_ptr<Decompressor> decompressor_;
  Hasher hasher_;
  uint64_t bytes_on_disk_ = 0;
};

// Hash of a file's bytes on disk.
std::string hash_of_file(const std::filesystem::path& file);

}  // namespace charrnn
