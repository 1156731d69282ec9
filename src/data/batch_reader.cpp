#include "data/batch_reader.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "data/id_check.h"
#include "data/shard.h"

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

// A window of this part: where it lies in the shard, and its place among the part's windows.
struct WindowSlot {
  uint32_t window;
  uint64_t slot;
};

}  // namespace

ReadingPlan reading_plan(const SplitInfo& split, const LaneOptions& options) {
  std::vector<uint64_t> lengths;
  for (const SplitInfo::Shard& shard : split.shards) lengths.push_back(shard.length);
  return {std::move(lengths), options};
}

// This part of one shard, as stored. Sequential: lane after lane, and the last target. Random: window after
// window in the order of reading, each with its last target (T + 1 characters).
struct BatchReader::Loaded {
  uint64_t epoch = 0;
  uint64_t place = 0;
  ShardPass pass;
  int id_bytes = 1;
  std::vector<std::byte> ids;
  std::vector<uint64_t> document_starts;  // in the shard; only where they count
};

BatchReader::BatchReader(const SplitInfo& split, const LaneOptions& options, int part, int parts,
                         ReadingPosition start)
    : split_(split), plan_(reading_plan(split, options)), position_(start) {
  if (options.batch_size % parts != 0) {
    fail_usage("train.batch_size ", options.batch_size, " lanes cannot be shared equally by ", parts,
               " ranks: take a multiple of ", parts, ", or another number of ranks");
  }
  lanes_ = options.batch_size / parts;
  first_lane_ = lanes_ * part;
  check(position_.place < plan_.shard_count() &&
            plan_.steps_done(position_) < plan_.pass(position_.epoch, position_.place).steps,
        "the reading position (epoch ", position_.epoch, ", place ", position_.place, ", ", position_.done,
        " done) lies outside of the split: it belongs to another corpus");
}

BatchReader::~BatchReader() {
  if (ahead_.valid()) ahead_.wait();
}

std::unique_ptr<BatchReader::Loaded> BatchReader::load(ReadingPosition at) const {
  auto loaded = std::make_unique<Loaded>();
  loaded->epoch = at.epoch;
  loaded->place = at.place;
  loaded->pass = plan_.pass(at.epoch, at.place);
  const ShardReader shard(split_.shards[loaded->pass.shard].file);
  const int id_bytes = loaded->id_bytes = shard.info().id_bytes;
  const auto width = static_cast<uint64_t>(id_bytes);
  const auto steps = static_cast<uint64_t>(plan_.options().sequence_length);
  const auto lanes = static_cast<uint64_t>(lanes_);
  if (plan_.options().reset_state == ResetState::kDocument) loaded->document_starts = shard.document_starts();

  if (plan_.options().sampling == Sampling::kSequential) {
    const uint64_t begin =
        loaded->pass.offset + static_cast<uint64_t>(first_lane_) * loaded->pass.lane_length;
    const uint64_t count = lanes * loaded->pass.lane_length + 1;
    loaded->ids.resize(count * width);
    for (uint64_t done = 0; done < count; done += kBlockCharacters) {
      shard.read_bytes(begin + done, std::min(kBlockCharacters, count - done),
                       loaded->ids.data() + done * width);
    }
    check_ids(*loaded);
    return loaded;
  }

  const std::vector<uint32_t> order = plan_.window_order(at.epoch, loaded->pass);
  std::vector<WindowSlot> wanted;
  for (uint64_t batch = 0; batch < loaded->pass.steps; ++batch) {
    for (uint64_t lane = 0; lane < lanes; ++lane) {
      const uint64_t row = static_cast<uint64_t>(first_lane_) + lane;
      wanted.push_back(
          {order[batch * static_cast<uint64_t>(plan_.options().batch_size) + row], wanted.size()});
    }
  }
  std::sort(wanted.begin(), wanted.end(),
            [](const WindowSlot& a, const WindowSlot& b) { return a.window < b.window; });
  // Through the shard in large blocks, each window copied to its place.
  const uint64_t window_bytes = (steps + 1) * width;
  loaded->ids.resize(wanted.size() * window_bytes);
  const uint64_t windows_per_block = std::max<uint64_t>(1, kBlockCharacters / steps);
  std::vector<std::byte> block;
  for (size_t i = 0; i < wanted.size();) {
    const uint64_t first = wanted[i].window;
    size_t end = i;
    while (end < wanted.size() && wanted[end].window < first + windows_per_block) ++end;
    const uint64_t count = (wanted[end - 1].window - first + 1) * steps + 1;
    block.resize(count * width);
    shard.read_bytes(loaded->pass.offset + first * steps, count, block.data());
    for (; i < end; ++i) {
      std::memcpy(loaded->ids.data() + wanted[i].slot * window_bytes,
                  block.data() + (wanted[i].window - first) * steps * width, window_bytes);
    }
  }
  check_ids(*loaded);
  return loaded;
}

// On the background thread: one look at every id costs the steps nothing.
void BatchReader::check_ids(const Loaded& loaded) const {
  int64_t largest = 0;
  const uint64_t count = loaded.ids.size() / static_cast<uint64_t>(loaded.id_bytes);
  for (uint64_t i = 0; i < count; ++i)
    largest = std::max(largest, id_at(loaded.ids.data(), loaded.id_bytes, i));
  check_largest_id(split_, loaded.pass.shard, static_cast<uint64_t>(largest));
}

// A document that begins with a step's first character starts that step from zero; one that begins further
// on, the step after it.
std::vector<int64_t> BatchReader::lanes_after_document_starts(const Loaded& loaded, uint64_t step) const {
  std::vector<int64_t> fresh;
  const auto steps = static_cast<uint64_t>(plan_.options().sequence_length);
  const std::vector<uint64_t>& starts = loaded.document_starts;
  for (int64_t lane = 0; step > 0 && !starts.empty() && lane < lanes_; ++lane) {
    const uint64_t now = loaded.pass.offset +
                         static_cast<uint64_t>(first_lane_ + lane) * loaded.pass.lane_length + step * steps;
    const auto last =
        std::upper_bound(starts.begin(), starts.end(), now);  // the first document behind this place
    if (last != starts.begin() && *std::prev(last) > now - steps) fresh.push_back(lane);
  }
  return fresh;
}

void BatchReader::fill(const Loaded& loaded, uint64_t step, Batch& batch) const {
  const auto steps = static_cast<uint64_t>(batch.steps);
  const bool is_sequential = plan_.options().sampling == Sampling::kSequential;
  for (uint64_t lane = 0; lane < static_cast<uint64_t>(batch.lanes); ++lane) {
    const uint64_t begin = is_sequential ? lane * loaded.pass.lane_length + step * steps
                                         : (step * static_cast<uint64_t>(batch.lanes) + lane) * (steps + 1);
    int64_t* inputs = batch.inputs.data() + lane * steps;
    int64_t* targets = batch.targets.data() + lane * steps;
    for (uint64_t t = 0; t < steps; ++t) {
      inputs[t] = id_at(loaded.ids.data(), loaded.id_bytes, begin + t);
      targets[t] = id_at(loaded.ids.data(), loaded.id_bytes, begin + t + 1);
    }
  }
}

Batch BatchReader::next() {
  if (!current_ || current_->epoch != position_.epoch || current_->place != position_.place) {
    current_.reset();  // before the next is asked for: two parts of a shard at a time
    current_ = ahead_.valid() ? ahead_.get() : load(position_);
    ReadingPosition following{position_.epoch, position_.place + 1, 0};
    if (following.place == plan_.shard_count()) following = {position_.epoch + 1, 0, 0};
    ahead_ = std::async(std::launch::async, [this, following] { return load(following); });
  }
  Batch batch;
  batch.lanes = lanes_;
  batch.steps = plan_.options().sequence_length;
  batch.inputs.resize(static_cast<size_t>(batch.lanes * batch.steps));
  batch.targets.resize(batch.inputs.size());
  const uint64_t step = plan_.steps_done(position_);
  batch.fresh_state = step == 0 || plan_.options().sampling == Sampling::kRandom;
  batch.fresh_lanes = lanes_after_document_starts(*current_, step);
  fill(*current_, step, batch);
  position_ = plan_.advance(position_);
  return batch;
}

}  // namespace charrnn
