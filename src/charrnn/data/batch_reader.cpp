#include "charrnn/data/batch_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/data/id_check.h"

namespace charrnn {
namespace {

constexpr uint64_t kBlockCharacters = 4 << 20;

int64_t id_at(const std::byte* ids, int id_bytes, uint64_t index) {
  if (id_bytes == 1) return static_cast<int64_t>(std::to_integer<uint8_t>(ids[index]));
  if (id_bytes == 2) {
    uint16_t id = 0;
    std::memcpy(&id, ids + index * 2, 2);
    return id;
  }
  uint32_t id = 0;
  std::memcpy(&id, ids + index * 4, 4);
  return id;
}

// A window of this part: its position in the shard, and its place among the part's windows.
struct WindowSlot {
  uint32_t window;
  uint64_t slot;
};

// Reads windows in the order of the shard, and copies each to its place: `size` characters beginning at
// `offset` + its number times `stride`. The shard is read in large blocks.
std::vector<std::byte> read_windows(const ShardReader& shard, ShardRow row, uint64_t offset, uint64_t stride,
                                    uint64_t size, const std::vector<WindowSlot>& ascending) {
  const auto width = static_cast<uint64_t>(shard.info().id_bytes);
  const uint64_t windows_per_block = std::max<uint64_t>(1, kBlockCharacters / stride);
  std::vector<std::byte> ids(ascending.size() * size * width);
  std::vector<std::byte> block;
  for (size_t i = 0; i < ascending.size();) {
    const uint64_t first = ascending[i].window;
    size_t end = i;
    while (end < ascending.size() && ascending[end].window < first + windows_per_block) ++end;
    const uint64_t count = (ascending[end - 1].window - first) * stride + size;
    block.resize(count * width);
    shard.read_bytes(offset + first * stride, count, block.data(), row);
    for (; i < end; ++i) {
      std::memcpy(ids.data() + ascending[i].slot * size * width,
                  block.data() + (ascending[i].window - first) * stride * width, size * width);
    }
  }
  return ids;
}

std::vector<std::byte> read_blocks(const ShardReader& shard, ShardRow row, uint64_t begin, uint64_t count) {
  const auto width = static_cast<uint64_t>(shard.info().id_bytes);
  std::vector<std::byte> ids(count * width);
  for (uint64_t done = 0; done < count; done += kBlockCharacters) {
    shard.read_bytes(begin + done, std::min(kBlockCharacters, count - done), ids.data() + done * width, row);
  }
  return ids;
}

// The options; refuses those that do not divide into this many parts.
LaneOptions shared_equally(LaneOptions options, int parts) {
  options.ranks = parts;
  if (options.batch_size % parts == 0) return options;
  const int64_t below = options.batch_size / parts * parts;
  fail_usage("train.batch_size ", options.batch_size, " lanes cannot be shared equally by ", parts,
             " ranks: use ", below > 0 ? concat(below, " or ") : "", below + parts,
             " (--set train.batch_size=", below + parts, "), or another number of ranks");
}

}  // namespace

ReadingPlan reading_plan(const SplitInfo& split, const LaneOptions& options) {
  std::vector<uint64_t> lengths;
  for (const SplitInfo::Shard& shard : split.shards) lengths.push_back(shard.length);
  return {std::move(lengths), options, split.has_targets};
}

// This part of one shard, as stored. Sequential: lane after lane. Random: window after window in the order of
// reading. If targets are successors, one more character follows after all lanes, or after each window; else
// `targets` has one for each of `ids`.
struct BatchReader::Loaded {
  uint64_t epoch = 0;
  uint64_t place = 0;
  ShardPass pass;
  int id_bytes = 1;
  std::vector<std::byte> ids;
  std::vector<std::byte> targets;
  std::vector<uint64_t> document_starts;  // in the shard; only if they reset the state
};

BatchReader::BatchReader(const SplitInfo& split, const LaneOptions& options, int part, int parts,
                         ReadingPosition start)
    : split_(split), plan_(reading_plan(split, shared_equally(options, parts))), position_(start) {
  lanes_ = options.batch_size / parts;
  first_lane_ = lanes_ * part;
  check(plan_.has_step_at(position_), "the reading position (epoch ", position_.epoch, ", place ",
        position_.place, ", ", position_.done, " done) is outside the split: it belongs to another corpus");
  before_ = plan_.step_before(position_);
}

BatchReader::~BatchReader() {
  if (ahead_.valid()) ahead_.wait();
}

std::unique_ptr<BatchReader::Loaded> BatchReader::load(ReadingPosition at) const {
  auto loaded = std::make_unique<Loaded>();
  loaded->epoch = at.epoch;
  loaded->place = at.place;
  loaded->pass = plan_.pass(at.epoch, at.place);
  const ShardReader shard = open_shard(split_, loaded->pass.shard);
  loaded->id_bytes = shard.info().id_bytes;
  if (plan_.options().reset_state == ResetState::kDocument) loaded->document_starts = shard.document_starts();
  if (is_sequential()) {
    load_lanes(shard, *loaded);
  } else {
    load_windows(shard, *loaded);
  }
  check_ids(*loaded);
  return loaded;
}

void BatchReader::load_lanes(const ShardReader& shard, Loaded& loaded) const {
  const uint64_t lane_length = loaded.pass.lane_length;
  const uint64_t begin = loaded.pass.offset + static_cast<uint64_t>(first_lane_) * lane_length;
  const uint64_t count = static_cast<uint64_t>(lanes_) * lane_length;
  loaded.ids = read_blocks(shard, ShardRow::kIds, begin, count + plan_.successors());
  if (split_.has_targets) loaded.targets = read_blocks(shard, ShardRow::kTargets, begin, count);
}

void BatchReader::load_windows(const ShardReader& shard, Loaded& loaded) const {
  const std::vector<uint32_t> order = plan_.window_order(loaded.epoch, loaded.pass);
  std::vector<WindowSlot> wanted;
  for (uint64_t batch = 0; batch < loaded.pass.steps; ++batch) {
    const uint64_t first =
        batch * static_cast<uint64_t>(plan_.options().batch_size) + static_cast<uint64_t>(first_lane_);
    for (uint64_t lane = 0; lane < static_cast<uint64_t>(lanes_); ++lane) {
      wanted.push_back({order[first + lane], wanted.size()});
    }
  }
  std::sort(wanted.begin(), wanted.end(),
            [](const WindowSlot& a, const WindowSlot& b) { return a.window < b.window; });
  const auto steps = static_cast<uint64_t>(plan_.options().sequence_length.max);
  const auto read = [&](ShardRow row, uint64_t size) {
    return read_windows(shard, row, loaded.pass.offset, steps, size, wanted);
  };
  loaded.ids = read(ShardRow::kIds, steps + plan_.successors());
  if (split_.has_targets) loaded.targets = read(ShardRow::kTargets, steps);
}

// Runs on the background thread, so that checking every id does not delay the steps.
void BatchReader::check_ids(const Loaded& loaded) const {
  int64_t largest = 0;
  for (const std::vector<std::byte>* row : {&loaded.ids, &loaded.targets}) {
    const uint64_t count = row->size() / static_cast<uint64_t>(loaded.id_bytes);
    for (uint64_t i = 0; i < count; ++i) largest = std::max(largest, id_at(row->data(), loaded.id_bytes, i));
  }
  check_largest_id(split_, loaded.pass.shard, static_cast<uint64_t>(largest));
}

// If a document begins with the first character of a step, that step starts from zero state; if it begins
// later, the next step does.
std::vector<int64_t> BatchReader::lanes_after_document_starts() const {
  std::vector<int64_t> fresh;
  const std::vector<uint64_t>& starts = current_->document_starts;
  for (int64_t lane = 0; position_.done > 0 && !starts.empty() && lane < lanes_; ++lane) {
    const uint64_t begin =
        current_->pass.offset + static_cast<uint64_t>(first_lane_ + lane) * current_->pass.lane_length;
    const auto next = std::upper_bound(starts.begin(), starts.end(), begin + position_.done);
    if (next != starts.begin() && *std::prev(next) > begin + before_.done) fresh.push_back(lane);
  }
  return fresh;
}

void BatchReader::fill(Batch& batch) const {
  const Loaded& loaded = *current_;
  const auto steps = static_cast<uint64_t>(batch.length);
  const auto lanes = static_cast<uint64_t>(batch.lanes);
  const std::byte* const target_ids = split_.has_targets ? loaded.targets.data() : loaded.ids.data();
  for (uint64_t lane = 0; lane < lanes; ++lane) {
    const uint64_t begin = is_sequential() ? lane * loaded.pass.lane_length + position_.done
                                           : (position_.done * lanes + lane) * (steps + plan_.successors());
    const uint64_t first_target = begin + plan_.successors();
    int64_t* inputs = batch.inputs.data() + lane * steps;
    int64_t* targets = batch.targets.data() + lane * steps;
    for (uint64_t t = 0; t < steps; ++t) {
      inputs[t] = id_at(loaded.ids.data(), loaded.id_bytes, begin + t);
      targets[t] = id_at(target_ids, loaded.id_bytes, first_target + t);
    }
  }
}

// Loads the shard of position_, and starts to read the one after it.
void BatchReader::turn_to_shard() {
  if (current_ && current_->epoch == position_.epoch && current_->place == position_.place) return;
  current_.reset();  // before the next is requested: only two parts of a shard are in memory at a time
  current_ = ahead_.valid() ? ahead_.get() : load(position_);
  ReadingPosition following{position_.epoch, position_.place + 1, 0};
  if (following.place == plan_.shard_count()) following = {position_.epoch + 1, 0, 0};
  ahead_ = std::async(std::launch::async, [this, following] { return load(following); });
}

Batch BatchReader::next() {
  turn_to_shard();
  Batch batch;
  batch.lanes = lanes_;
  batch.length = plan_.length_at(position_);
  batch.inputs.resize(static_cast<size_t>(batch.lanes * batch.length));
  batch.targets.resize(batch.inputs.size());
  batch.fresh_state = position_.done == 0 || !is_sequential();
  batch.fresh_lanes = lanes_after_document_starts();
  fill(batch);
  before_ = std::exchange(position_, plan_.advance(position_));
  return batch;
}

}  // namespace charrnn
