// One HDF5 file of a split. Datasets: `ids` (N) of uint8, uint16 or uint32, contiguous; if the corpus has
// aligned targets, `targets` (N) of the same type, where element i is the target of element i of `ids`;
// `document_starts` (D) uint64, the offsets in this shard of the documents that begin in it. Attributes: its
// vocabulary and split. Equal ids give equal bytes: there are no time stamps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace charrnn {

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

// Bytes per id for a vocabulary of this size: 1 up to 256 characters, 2 up to 65,536, else 4.
int id_bytes_for(size_t vocabulary_size);

// "train-00003.h5"
std::string shard_file_name(const std::string& split, uint32_t shard);

}  // namespace charrnn
