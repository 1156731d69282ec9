// One HDF5 file of a split: the dataset `ids` (N) of uint8, uint16 or uint32, contiguous; of a corpus with
// aligned targets, `targets` (N) of the same type, where element i is the target of element i of `ids`;
// `document_starts` (D) uint64, the offsets in this shard of the documents that begin in it; attributes that
// say to which vocabulary and split it belongs. Equal ids give equal bytes: no time stamps. Any thread may
// read; HDF5 calls run one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace charrnn {

class Hasher;

inline constexpr uint32_t kShardFormatVersion = 1;

struct ShardInfo {
  uint64_t length = 0;  // N, in ids
  int id_bytes = 1;     // 1, 2 or 4
  bool has_targets = false;
  std::string vocabulary_hash;
  std::string split;         // "train", "valid", "test"
  uint32_t shard = 0;        // its place in the split
  uint32_t shard_count = 1;  // of the split
};

enum class ShardRow { kIds, kTargets };

// Bytes of one id of a vocabulary of that size: 1 up to 256 characters, 2 up to 65,536, else 4.
int id_bytes_for(size_t vocabulary_size);

// "train-00003.h5"
std::string shard_file_name(const std::string& split, uint32_t shard);

class ShardReader {
 public:
  // Throws Error where the file is missing, cut short, no shard, or of another format version.
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

class ShardWriter {
 public:
  // info.length ids must follow before finish(). The file must not exist.
  ShardWriter(std::filesystem::path path, const ShardInfo& info);
  ~ShardWriter();
  ShardWriter(ShardWriter&&) noexcept;
  ShardWriter& operator=(ShardWriter&&) noexcept;

  // The next ids, with as many targets where info.has_targets; each must fit in id_bytes.
  void append(std::span<const uint32_t> ids, std::span<const uint32_t> targets = {});
  // The same as they are stored: id_bytes each, in this machine's byte order.
  void append_bytes(std::span<const std::byte> ids, std::span<const std::byte> targets = {});
  // A document begins with the next id.
  void start_document();
  uint64_t written() const;    // ids so far
  uint64_t remaining() const;  // ids still to come

  // Writes what is buffered, brings the file to disk, and returns its content hash
  // (ShardReader::content_hash).
  std::string finish();

 private:
  struct File;

  void check_room(size_t ids, size_t targets) const;

  std::unique_ptr<File> file_;
};

}  // namespace charrnn
