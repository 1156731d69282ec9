#include "charrnn/data/reading_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "charrnn/core/counter_random.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

// Fisher-Yates shuffle, with draws that are a function of what the order is for.
template <class Integer>
std::vector<Integer> drawn_order(uint64_t count, uint64_t seed, Draw use, uint64_t epoch, uint64_t shard) {
  std::vector<Integer> order(count);
  std::iota(order.begin(), order.end(), Integer{0});
  for (uint64_t i = count; i > 1; --i) {
    std::swap(order[i - 1], order[below(random_bits(seed, use, {epoch, shard, i}), i)]);
  }
  return order;
}

}  // namespace

ReadingPlan::ReadingPlan(std::vector<uint64_t> shard_lengths, const LaneOptions& options, bool has_targets)
    : lengths_(std::move(shard_lengths)), options_(options), successors_(has_targets ? 0 : 1) {
  if (lengths_.empty()) fail_usage("the training split has no shards: preprocess the corpus again");
  refuse_short_shards();
  const uint64_t longest = *std::max_element(lengths_.begin(), lengths_.end());
  check(options_.sampling == Sampling::kSequential || longest / longest_step() <= 0xffffffffu, "a shard of ",
        longest, " characters has too many windows of ", longest_step());
}

// At least one step must be possible, whatever is drawn, even the longest.
void ReadingPlan::refuse_short_shards() const {
  const uint64_t shortest = *std::min_element(lengths_.begin(), lengths_.end());
  const uint64_t steps = longest_step();
  if (shortest >= lanes() * steps + successors_) return;
  const uint64_t usable = shortest > successors_ ? shortest - successors_ : 0;
  const auto ranks = static_cast<uint64_t>(options_.ranks);
  const uint64_t most_lanes = usable / steps / ranks * ranks;
  std::string cure;
  if (most_lanes > 0) {
    cure = concat("train.batch_size of ", most_lanes, " or less");
    if (ranks > 1) cure += concat(", a multiple of the ", ranks, " ranks");
  }
  if (usable / lanes() > 0) {
    cure += concat(cure.empty() ? "" : " or a ", "train.sequence_length of ", usable / lanes(), " or less");
  }
  if (cure.empty()) cure = "longer text, or smaller values of both";
  fail_usage("a training shard of ", shortest, " characters is too short for one step: train.batch_size ",
             lanes(), " lanes x train.sequence_length ", options_.sequence_length.text(), " characters need ",
             lanes() * steps + successors_, ": use a ", cure);
}

// What a step adds to `done`.
uint64_t ReadingPlan::stride(uint64_t epoch, uint64_t shard, uint64_t done) const {
  if (options_.sampling == Sampling::kRandom) return 1;
  if (!options_.sequence_length.is_range()) return longest_step();
  const auto shortest = static_cast<uint64_t>(options_.sequence_length.min);
  const uint64_t bits = random_bits(options_.seed, Draw::kSequenceLength, {epoch, shard, done});
  return shortest + below(bits, longest_step() - shortest + 1);
}

// The steps of a shard, up to the first that ends at or after `until`. A step that does not fit in `extent`
// (n, or all batches) ends the shard.
ReadingPlan::Replay ReadingPlan::replay(uint64_t epoch, uint64_t shard, uint64_t extent,
                                        uint64_t until) const {
  Replay made;
  while (made.done < until) {
    const uint64_t next = stride(epoch, shard, made.done);
    if (next > extent - made.done) break;
    made.last = std::exchange(made.done, made.done + next);
    ++made.steps;
  }
  return made;
}

ReadingPlan::Replay ReadingPlan::replay_to(const ReadingPosition& position) const {
  const ShardPass at = pass(position.epoch, position.place);
  return replay(position.epoch, at.shard, at.end, position.done);
}

uint64_t ReadingPlan::windows(const ShardPass& pass) const {
  return (lengths_[pass.shard] - pass.offset - successors_) / longest_step();
}

ShardPass ReadingPlan::draw_pass(uint64_t epoch, uint64_t shard) const {
  ShardPass pass;
  pass.shard = shard;
  const uint64_t usable = lengths_[shard] - successors_;
  if (options_.random_offset) {
    const uint64_t largest =
        std::min(longest_step() - 1, usable - lanes() * longest_step());  // room for one step remains
    pass.offset = below(random_bits(options_.seed, Draw::kShardOffset, {epoch, shard}), largest + 1);
  }
  const bool is_sequential = options_.sampling == Sampling::kSequential;
  if (is_sequential) pass.lane_length = (usable - pass.offset) / lanes();
  const uint64_t extent = is_sequential ? pass.lane_length : windows(pass) / lanes();
  const Replay all = replay(epoch, shard, extent, extent);
  pass.steps = all.steps;
  pass.end = all.done;
  return pass;
}

const ReadingPlan::Epoch& ReadingPlan::known(uint64_t epoch) const {
  Epoch& known = known_[epoch % known_.size()];
  if (known.number == epoch) return known;
  known = Epoch{};
  for (const uint64_t shard :
       drawn_order<uint64_t>(lengths_.size(), options_.seed, Draw::kShardOrder, epoch, 0)) {
    known.passes.push_back(draw_pass(epoch, shard));
    known.done_before.push_back(std::exchange(known.end, known.end + known.passes.back().end));
    known.steps += known.passes.back().steps;
  }
  known.number = epoch;
  return known;
}

ShardPass ReadingPlan::pass(uint64_t epoch, uint64_t place) const {
  const std::lock_guard lock(mutex_);
  return known(epoch).passes[place];
}

std::vector<uint32_t> ReadingPlan::window_order(uint64_t epoch, const ShardPass& pass) const {
  return drawn_order<uint32_t>(windows(pass), options_.seed, Draw::kWindowOrder, epoch, pass.shard);
}

bool ReadingPlan::has_step_at(const ReadingPosition& position) const {
  return position.place < lengths_.size() && position.done < pass(position.epoch, position.place).end &&
         replay_to(position).done == position.done;
}

int64_t ReadingPlan::length_at(const ReadingPosition& position) const {
  if (!options_.sequence_length.is_range()) return options_.sequence_length.max;
  const uint64_t shard = pass(position.epoch, position.place).shard;
  return static_cast<int64_t>(stride(position.epoch, shard, position.done));
}

ReadingPosition ReadingPlan::advance(const ReadingPosition& position) const {
  const ShardPass at = pass(position.epoch, position.place);
  ReadingPosition next = position;
  next.done += stride(position.epoch, at.shard, position.done);
  if (next.done < at.end) return next;
  next.done = 0;
  if (++next.place == lengths_.size()) {
    next.place = 0;
    ++next.epoch;
  }
  return next;
}

ReadingPosition ReadingPlan::step_before(const ReadingPosition& position) const {
  return {position.epoch, position.place, replay_to(position).last};
}

uint64_t ReadingPlan::steps_in_epoch(uint64_t epoch) const {
  const std::lock_guard lock(mutex_);
  return known(epoch).steps;
}

int64_t ReadingPlan::steps_for(double epochs) const {
  uint64_t total = 0;
  const auto whole = static_cast<uint64_t>(epochs);
  for (uint64_t epoch = 0; epoch < whole; ++epoch) total += steps_in_epoch(epoch);
  const double rest = epochs - static_cast<double>(whole);
  total += static_cast<uint64_t>(std::llround(rest * static_cast<double>(steps_in_epoch(whole))));
  return std::max<int64_t>(1, static_cast<int64_t>(total));
}

double ReadingPlan::epochs_at(const ReadingPosition& position) const {
  const std::lock_guard lock(mutex_);
  const Epoch& epoch = known(position.epoch);
  return static_cast<double>(position.epoch) +
         static_cast<double>(epoch.done_before[position.place] + position.done) /
             static_cast<double>(epoch.end);
}

}  // namespace charrnn
