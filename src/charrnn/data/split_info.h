// One split of an opened corpus: its shards, as the manifest lists them, and what its ids mean.
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

// The manifest when the corpus was opened. A run reads for days, and meanwhile another corpus may be built in
// the same folder.
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
  uint64_t vocabulary_size = 0;  // every id is below it
  uint64_t utf8_bytes = 0;       // of the same text, before characters became <unk>
  bool has_targets = false;      // aligned ones, in every shard
  Unit unit = Unit::kCodePoint;  // what a character of it is
  bool has_unknown = false;      // id 0 is <unk>
  // Size of the files of the split before cleaning. nullopt if that is not the size of their text: they are
  // compressed or JSON lines, or the split has parts of documents.
  std::optional<uint64_t> original_bytes = {};
  std::shared_ptr<const OpenedManifest> manifest = {};
};

// Opens a shard of the corpus that was opened. Throws Error if the corpus has been built again since then.
ShardReader open_shard(const SplitInfo& split, size_t shard);

}  // namespace charrnn
