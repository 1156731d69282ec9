#include "charrnn/data/evaluation_reader.h"

#include <algorithm>

#include "charrnn/core/error.h"
#include "charrnn/data/id_check.h"
#include "charrnn/data/shard_reader.h"

namespace charrnn {

// The shards of a split as one stream of characters.
class EvaluationReader::Stream {
 public:
  explicit Stream(const SplitInfo& split) : split_(split) {
    for (const SplitInfo::Shard& shard : split_.shards) {
      starts_.push_back(length_);
      length_ += shard.length;
    }
    readers_.resize(split_.shards.size());
  }

  uint64_t length() const { return length_; }
  bool has_targets() const { return split_.has_targets; }
  // How many characters are targets.
  uint64_t targets() const { return length_ - std::min<uint64_t>(length_, has_targets() ? 0 : 1); }

  void read(ShardRow row, uint64_t place, std::span<uint32_t> ids) {
    while (!ids.empty()) {
      const auto after = std::upper_bound(starts_.begin(), starts_.end(), place);
      const auto shard = static_cast<size_t>(after - starts_.begin()) - 1;
      if (!readers_[shard]) readers_[shard] = std::make_unique<ShardReader>(open_shard(split_, shard));
      const uint64_t offset = place - starts_[shard];
      const uint64_t count = std::min<uint64_t>(ids.size(), split_.shards[shard].length - offset);
      readers_[shard]->read(offset, ids.first(count), row);
      check_largest_id(split_, shard,
                       *std::max_element(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(count)));
      ids = ids.subspan(count);
      place += count;
    }
  }

 private:
  SplitInfo split_;
  std::vector<uint64_t> starts_;
  uint64_t length_ = 0;
  std::vector<std::unique_ptr<ShardReader>> readers_;
};

EvaluationReader::EvaluationReader(const SplitInfo& split, int64_t lanes, int64_t sequence_length, int part,
                                   int parts)
    : stream_(std::make_unique<Stream>(split)), sequence_length_(sequence_length) {
  if (stream_->targets() == 0) {
    fail_usage("the split ", split.name, " has ", stream_->length(),
               " characters, too few to predict one: give it a larger share (corpus.split)");
  }
  const uint64_t targets = stream_->targets();
  const auto count = static_cast<uint64_t>(lanes);
  const auto cut = [&](uint64_t k) {  // floor(k targets / count), without overflow
    return k * (targets / count) + k * (targets % count) / count;
  };
  for (auto k = static_cast<uint64_t>(part); k < count; k += static_cast<uint64_t>(parts)) {
    lanes_.push_back({cut(k), cut(k + 1), {}, {}});
  }
  constexpr uint64_t budget_characters = 4 << 20;  // of all buffers together
  block_characters_ =
      std::clamp<uint64_t>(budget_characters / count, static_cast<uint64_t>(sequence_length) + 1, 64 << 10);
}

EvaluationReader::~EvaluationReader() = default;

// The id at `place` of a row; the lane needs the ids before `end`, so no more are read ahead.
uint32_t EvaluationReader::id_at(ShardRow row, Buffer& buffer, uint64_t place, uint64_t end) {
  if (place < buffer.start || place >= buffer.start + buffer.ids.size()) {
    buffer.start = place;
    buffer.ids.resize(std::min(block_characters_, end - place));
    stream_->read(row, place, buffer.ids);
  }
  return buffer.ids[place - buffer.start];
}

uint32_t EvaluationReader::character(Lane& lane, uint64_t place) {
  return id_at(ShardRow::kIds, lane.characters, place, lane.end + (stream_->has_targets() ? 0 : 1));
}

uint32_t EvaluationReader::target(Lane& lane) {
  if (!stream_->has_targets()) return character(lane, lane.next + 1);
  return id_at(ShardRow::kTargets, lane.targets, lane.next, lane.end);
}

std::optional<Batch> EvaluationReader::next() {
  uint64_t longest = 0;
  for (const Lane& lane : lanes_) longest = std::max(longest, lane.end - lane.next);
  if (longest == 0) return std::nullopt;
  Batch batch;
  batch.lanes = lanes();
  batch.length = std::min<int64_t>(sequence_length_, static_cast<int64_t>(longest));
  batch.inputs.reserve(static_cast<size_t>(batch.lanes * batch.length));
  batch.targets.reserve(batch.inputs.capacity());
  for (Lane& lane : lanes_) {
    for (int64_t t = 0; t < batch.length; ++t) {
      const bool ended = lane.next == lane.end;
      batch.inputs.push_back(ended ? 0 : character(lane, lane.next));
      batch.targets.push_back(ended ? kLaneEnded : target(lane));
      if (!ended) ++lane.next;
    }
  }
  return batch;
}

}  // namespace charrnn
