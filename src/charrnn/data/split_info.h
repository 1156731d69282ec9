// One split of a corpus that was opened: its shards, as the manifest lists them, and what its ids are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/core/file_stamp.h"
#include "charrnn/data/shard_reader.h"

namespace charrnn {

// The manifest as it was when the corpus was opened. A run reads for days, and somebody may build another
// corpus in the same folder meanwhile.
struct OpenedManifest {
  std::filesystem::path file;
  std::optional<FileStamp> stamp;
  std::string hash;
};

struct SplitInfo {
  struct Shard {
    std::filesystem::path file;
    uint64_t length;   // characters
    std::string hash;  // ShardReader::content_hash
    std::optional<FileStamp> stamp = {};
  };
  std::string name;  // "train", "valid", "test"
  std::vector<Shard> shards;
  uint64_t characters = 0;
  uint64_t vocabulary_size = 0;  // every id lies below it
  uint64_t utf8_bytes = 0;       // of the same text, before <unk>
  bool has_targets = false;      // aligned ones, of every shard
  Unit unit = Unit::kCodePoint;  // what a character of it is
  bool has_unknown = false;      // id 0 is <unk>
  // Of the files that the split was made from, before cleaning. nullopt if their text cannot be told from
  // their size: they are compressed or JSON lines, or the split has parts of documents.
  std::optional<uint64_t> original_bytes = {};
  std::shared_ptr<const OpenedManifest> manifest = {};
};

// A shard of the corpus that was opened. Throws Error if the corpus was built again since then.
ShardReader open_shard(const SplitInfo& split, size_t shard);

}  // namespace charrnn
