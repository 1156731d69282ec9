// Writes one split of a corpus to shards whose lengths differ by at most one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "charrnn/corpus/shard_writer.h"
#include "charrnn/corpus/split_plan.h"
#include "charrnn/data/shard.h"
#include "charrnn/data/split_info.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

class SplitWriter {
 public:
  // Throws Error (kInput) if shard_size divides the split into too many shards.
  SplitWriter(std::filesystem::path folder, const SplitPlan::Split& split, const Vocabulary& vocabulary,
              uint64_t shard_size, bool has_targets);

  // A document begins with the next id.
  void start_document();
  // The next ids and, if the corpus has aligned targets, their targets, both as shards store them.
  // `utf8_bytes`: the length of the text that the ids stand for.
  void append(std::span<const std::byte> ids, std::span<const std::byte> targets, uint64_t utf8_bytes);
  SplitInfo finish();

 private:
  void open_next();
  void finish_shard();

  std::filesystem::path folder_;
  SplitInfo info_;
  ShardInfo next_;  // of the shard being written
  std::optional<ShardWriter> writer_;
};

}  // namespace charrnn
