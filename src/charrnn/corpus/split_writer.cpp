#include "charrnn/corpus/split_writer.h"

#include <algorithm>
#include <limits>

#include "charrnn/core/error.h"

namespace charrnn {

SplitWriter::SplitWriter(std::filesystem::path folder, const SplitPlan::Split& split,
                         const Vocabulary& vocabulary, uint64_t shard_size, bool has_targets)
    : folder_(std::move(folder)) {
  info_.name = split.name;
  info_.characters = split.characters;
  info_.has_targets = has_targets;
  const uint64_t shards = (split.characters + shard_size - 1) / shard_size;
  if (shards > std::numeric_limits<uint32_t>::max()) {
    fail_usage("corpus.shard_size = ", shard_size, " divides the split ", split.name, " into ", shards,
               " shards: expected fewer than 2^32: set a larger corpus.shard_size");
  }
  next_ = {.length = 0,
           .id_bytes = id_bytes_for(vocabulary.size()),
           .has_targets = has_targets,
           .vocabulary_hash = vocabulary.hash(),
           .split = split.name,
           .shard = 0,
           .shard_count = static_cast<uint32_t>(shards)};
  open_next();
}

void SplitWriter::start_document() {
  if (writer_->remaining() == 0) finish_shard();
  writer_->start_document();
}

void SplitWriter::append(std::span<const std::byte> ids, std::span<const std::byte> targets,
                         uint64_t utf8_bytes) {
  info_.utf8_bytes += utf8_bytes;
  const auto id_bytes = static_cast<size_t>(next_.id_bytes);
  while (!ids.empty()) {
    if (writer_->remaining() == 0) finish_shard();
    const size_t bytes = std::min<uint64_t>(ids.size() / id_bytes, writer_->remaining()) * id_bytes;
    const size_t target_bytes = info_.has_targets ? bytes : 0;
    writer_->append_bytes(ids.first(bytes), targets.first(target_bytes));
    ids = ids.subspan(bytes);
    targets = targets.subspan(target_bytes);
  }
}

SplitInfo SplitWriter::finish() {
  finish_shard();
  return info_;
}

void SplitWriter::open_next() {
  const uint64_t rest = info_.characters % next_.shard_count;
  next_.length = info_.characters / next_.shard_count + (next_.shard < rest ? 1 : 0);
  const std::filesystem::path file = folder_ / shard_file_name(next_.split, next_.shard);
  info_.shards.push_back({file, next_.length, ""});
  writer_.emplace(file, next_);
}

void SplitWriter::finish_shard() {
  info_.shards.back().hash = writer_->finish();
  writer_.reset();
  if (++next_.shard < next_.shard_count) open_next();
}

}  // namespace charrnn
