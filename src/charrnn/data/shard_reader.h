// Reads a shard (shard.h): what it is, any part of its ids and targets, its content hash. Any thread may
// read; HDF5 calls run one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "charrnn/data/shard.h"

namespace charrnn {

class Hasher;

class ShardReader {
 public:
  // Throws Error if the file is missing, cut short, not a shard, or of another format version.
  explicit ShardReader(std::filesystem::path path);
  ~ShardReader();
  ShardReader(ShardReader&&) noexcept;
  ShardReader& operator=(ShardReader&&) noexcept;

  const ShardInfo& info() const { return info_; }
  const std::filesystem::path& path() const { return path_; }

  // ids [offset, offset + count) as they are stored: count * info().id_bytes bytes, in this machine's byte
  // order.
  void read_bytes(uint64_t offset, uint64_t count, std::byte* destination,
                  ShardRow row = ShardRow::kIds) const;
  // ids [offset, offset + ids.size()), widened.
  void read(uint64_t offset, std::span<uint32_t> ids, ShardRow row = ShardRow::kIds) const;

  std::vector<uint64_t> document_starts() const;  // ascending

  // Over ids and targets (as stored, little-endian) and document starts: what the manifest holds. Reads the
  // whole shard.
  std::string content_hash() const;

 private:
  struct File;

  void add_to(Hasher& hasher, ShardRow row) const;

  std::filesystem::path path_;
  std::unique_ptr<File> file_;
  ShardInfo info_;
};

}  // namespace charrnn
