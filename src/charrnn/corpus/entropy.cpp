#include "charrnn/corpus/entropy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "charrnn/core/counter_random.h"

namespace charrnn {
namespace {

constexpr size_t kLargestSide = 512;  // 1 MB
constexpr size_t kFirstSlots = size_t{1} << 16;

}  // namespace

PairCounts::PairCounts(size_t vocabulary_size)
    : side_(std::min(vocabulary_size, kLargestSide)),
      stride_(side_ + 16),
      table_(side_ * stride_),
      slots_(kFirstSlots) {}

PairCounts::Slot& PairCounts::find(uint64_t pair) {
  const size_t mask = slots_.size() - 1;
  size_t i = mix64(pair) & mask;
  while (slots_[i].count > 0 && slots_[i].pair != pair) i = (i + 1) & mask;
  return slots_[i];
}

void PairCounts::add_sparse(uint64_t pair, uint64_t count) {
  Slot& slot = find(pair);
  const bool is_new = slot.count == 0;
  slot.count += count;
  if (!is_new) return;
  slot.pair = pair;
  if (++used_ * 4 < slots_.size() * 3) return;
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& moved : old) {
    if (moved.count > 0) find(moved.pair) = moved;
  }
}

void PairCounts::add(const PairCounts& more) {
  spill();
  for (size_t before = 0; before < more.side_; ++before) {
    for (size_t after = 0; after < more.side_; ++after) {
      const uint64_t count = more.table_[before * more.stride_ + after];
      if (count > 0) add_sparse(uint64_t{before} << 32 | after, count);
    }
  }
  for (const Slot& slot : more.slots_) {
    if (slot.count > 0) add_sparse(slot.pair, slot.count);
  }
}

// Moves the table's counts to where they may grow further.
void PairCounts::spill() {
  for (size_t before = 0; before < side_; ++before) {
    for (size_t after = 0; after < side_; ++after) {
      uint32_t& count = table_[before * stride_ + after];
      if (count > 0) add_sparse(uint64_t{before} << 32 | after, std::exchange(count, 0));
    }
  }
  unspilled_ = 0;
}

std::vector<PairCounts::Pair> PairCounts::pairs() const {
  PairCounts all(0);
  all.add(*this);
  std::vector<Pair> found;
  for (const Slot& slot : all.slots_) {
    if (slot.count == 0) continue;
    found.push_back({static_cast<uint32_t>(slot.pair >> 32), static_cast<uint32_t>(slot.pair), slot.count});
  }
  std::sort(found.begin(), found.end(), [](const Pair& a, const Pair& b) {
    return a.before != b.before ? a.before < b.before : a.after < b.after;
  });
  return found;
}

void EntropyCounter::add(const EntropyCounter& more) {
  if (more.first_) first_ = more.first_;
  pairs_.add(more.pairs_);
}

Baselines EntropyCounter::baselines() const {
  const std::vector<PairCounts::Pair> pairs = pairs_.pairs();
  std::vector<uint64_t> counts(vocabulary_size_);
  std::vector<uint64_t> followed(vocabulary_size_);
  uint64_t in_pairs = 0;
  for (const PairCounts::Pair& pair : pairs) {
    followed[pair.before] += pair.count;
    counts[pair.after] += pair.count;
    in_pairs += pair.count;
  }
  if (first_) ++counts[*first_];  // which is nobody's target, but one of N
  const uint64_t total = in_pairs + (first_ ? 1 : 0);
  Baselines baselines;
  for (const uint64_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(total);
    baselines.unigram_bits -= share * std::log2(share);
  }
  double bits = 0;
  for (const PairCounts::Pair& pair : pairs) {
    bits -= static_cast<double>(pair.count) *
            std::log2(static_cast<double>(pair.count) / static_cast<double>(followed[pair.before]));
  }
  if (in_pairs > 0) baselines.bigram_bits = bits / static_cast<double>(in_pairs);
  return baselines;
}

}  // namespace charrnn
