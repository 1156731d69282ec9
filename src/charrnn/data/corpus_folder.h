// A preprocessed corpus on disk, the folder `corpus.output`: shards, vocabulary.json and manifest.json.
// open() checks that all files exist and belong together; verify() re-reads every character.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/data/baselines.h"
#include "charrnn/data/split_info.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

inline constexpr uint32_t kCorpusFormatVersion = 1;

class CorpusFolder {
 public:
  // Throws Error with the file and what to do if the corpus does not exist or has another format version, or
  // if shards are missing, truncated or made with another vocabulary.
  static CorpusFolder open(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const std::vector<SplitInfo>& splits() const { return splits_; }  // train first
  const SplitInfo* split(std::string_view name) const;              // nullptr if no split has that name
  const SplitInfo& require_split(
      std::string_view name) const;  // throws (kInput) with the names of all splits
  bool has_targets() const { return splits_.front().has_targets; }  // aligned ones, of every split
  const Baselines& baselines() const { return baselines_; }
  std::string hash() const;  // of the whole corpus: of vocabulary hash and shard hashes

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
