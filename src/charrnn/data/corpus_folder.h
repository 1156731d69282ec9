// A preprocessed corpus on disk: shards, vocabulary.json and manifest.json (design: one folder,
// `corpus.output`). open() verifies that everything is there and belongs together; verify() re-reads every
// character.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/core/file_stamp.h"
#include "charrnn/data/shard.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

inline constexpr uint32_t kCorpusFormatVersion = 1;

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

// What a model that learns anything must beat: entropies of the training split, in bits per character.
struct Baselines {
  double unigram_bits = 0;  // H(target)
  double bigram_bits = 0;   // H(target | its character)
};

class CorpusFolder {
 public:
  // Throws Error naming the file and what to do: not there, another format version, shards that are missing,
  // cut short or made with another vocabulary.
  static CorpusFolder open(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const std::vector<SplitInfo>& splits() const { return splits_; }  // train first
  const SplitInfo* split(std::string_view name) const;              // nullptr if there is none of that name
  const SplitInfo& require_split(
      std::string_view name) const;  // throws (exit code 2) and names those there are
  bool has_targets() const { return splits_.front().has_targets; }  // aligned ones, of every split
  const Baselines& baselines() const { return baselines_; }
  std::string hash() const;  // of the whole corpus: over vocabulary hash and shard hashes

  // Re-reads every shard and compares it with the manifest.
  void verify() const;

 private:
  CorpusFolder(std::filesystem::path path, Vocabulary vocabulary);

  std::filesystem::path path_;
  Vocabulary vocabulary_;
  std::vector<SplitInfo> splits_;
  Baselines baselines_;
};

}  // namespace charrnn
