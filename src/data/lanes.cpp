#include "data/lanes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/counter_random.h"
#include "core/error.h"

namespace charrnn {
namespace {

// Fisher and Yates, with draws that are a function of what the order is for.
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

ReadingPlan::ReadingPlan(std::vector<uint64_t> shard_lengths, const LaneOptions& options)
    : lengths_(std::move(shard_lengths)), options_(options) {
  if (lengths_.empty()) fail_usage("the training split has no shards: preprocess the corpus again");
  const uint64_t shortest = *std::min_element(lengths_.begin(), lengths_.end());
  const auto lanes = static_cast<uint64_t>(options_.batch_size);
  const auto steps = static_cast<uint64_t>(options_.sequence_length);
  if (shortest < lanes * steps + 1) {
    const uint64_t usable = shortest > 0 ? shortest - 1 : 0;
    const std::string fewer_lanes =
        usable / steps > 0 ? concat("train.batch_size of ", usable / steps, " or less") : std::string();
    const std::string fewer_steps =
        usable / lanes > 0 ? concat("train.sequence_length of ", usable / lanes, " or less") : std::string();
    const std::string cure =
        fewer_lanes.empty() && fewer_steps.empty()
            ? std::string("longer text, or smaller values of both")
            : concat(fewer_lanes, fewer_lanes.empty() || fewer_steps.empty() ? "" : " or a ", fewer_steps);
    fail_usage("a training shard of ", shortest, " characters is too short for one step: train.batch_size ",
               lanes, " lanes x train.sequence_length ", steps, " characters need ", lanes * steps + 1,
               "; take a ", cure);
  }
  check(shortest / steps <= 0xffffffffu, "a shard of ", shortest, " characters has too many windows of ",
        steps);
}

std::vector<uint64_t> ReadingPlan::order_of_shards(uint64_t epoch) const {
  return drawn_order<uint64_t>(lengths_.size(), options_.seed, Draw::kShardOrder, epoch, 0);
}

ShardPass ReadingPlan::pass(uint64_t epoch, uint64_t place) const {
  const auto lanes = static_cast<uint64_t>(options_.batch_size);
  const auto steps = static_cast<uint64_t>(options_.sequence_length);
  ShardPass pass;
  pass.shard = order_of_shards(epoch)[place];
  const uint64_t length = lengths_[pass.shard];
  if (options_.random_offset) {
    const uint64_t largest = std::min(steps - 1, length - 1 - lanes * steps);  // still leaves one step
    pass.offset = below(random_bits(options_.seed, Draw::kShardOffset, {epoch, pass.shard}), largest + 1);
  }
  const uint64_t usable = length - pass.offset - 1;
  if (options_.sampling == Sampling::kSequential) {
    pass.lane_length = usable / lanes;
    pass.steps = pass.lane_length / steps;
  } else {
    pass.steps = usable / steps / lanes;
  }
  pass.skipped = length - pass.steps * steps * lanes;
  return pass;
}

std::vector<uint32_t> ReadingPlan::window_order(uint64_t epoch, const ShardPass& pass) const {
  const uint64_t windows =
      (lengths_[pass.shard] - pass.offset - 1) / static_cast<uint64_t>(options_.sequence_length);
  return drawn_order<uint32_t>(windows, options_.seed, Draw::kWindowOrder, epoch, pass.shard);
}

uint64_t ReadingPlan::steps_done(const ReadingPosition& position) const {
  return options_.sampling == Sampling::kSequential
             ? position.done / static_cast<uint64_t>(options_.sequence_length)
             : position.done;
}

ReadingPosition ReadingPlan::advance(const ReadingPosition& position) const {
  ReadingPosition next = position;
  next.done +=
      options_.sampling == Sampling::kSequential ? static_cast<uint64_t>(options_.sequence_length) : 1;
  if (steps_done(next) < pass(next.epoch, next.place).steps) return next;
  next.done = 0;
  if (++next.place == lengths_.size()) {
    next.place = 0;
    ++next.epoch;
  }
  return next;
}

uint64_t ReadingPlan::steps_in_epoch(uint64_t epoch) const {
  uint64_t total = 0;
  for (uint64_t place = 0; place < lengths_.size(); ++place) total += pass(epoch, place).steps;
  return total;
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
  uint64_t done = steps_done(position);
  for (uint64_t place = 0; place < position.place; ++place) done += pass(position.epoch, place).steps;
  return static_cast<double>(position.epoch) +
         static_cast<double>(done) / static_cast<double>(steps_in_epoch(position.epoch));
}

}  // namespace charrnn
