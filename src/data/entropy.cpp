#include "data/entropy.h"

#include <algorithm>
#include <cmath>

#include "core/counter_random.h"

namespace charrnn {
namespace {

constexpr size_t kLargestSide = 1024;  // 8 MB
constexpr size_t kFirstSlots = size_t{1} << 16;

}  // namespace

PairCounts::PairCounts(size_t vocabulary_size)
    : side_(std::min(vocabulary_size, kLargestSide)), table_(side_ * side_), slots_(kFirstSlots) {}

PairCounts::Slot& PairCounts::find(uint64_t pair) {
  const size_t mask = slots_.size() - 1;
  size_t i = mix64(pair) & mask;
  while (slots_[i].count > 0 && slots_[i].pair != pair) i = (i + 1) & mask;
  return slots_[i];
}

void PairCounts::add_sparse(uint64_t pair) {
  Slot& slot = find(pair);
  if (slot.count++ > 0) return;
  slot.pair = pair;
  if (++used_ * 4 < slots_.size() * 3) return;
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& moved : old) {
    if (moved.count > 0) find(moved.pair) = moved;
  }
}

void EntropyCounter::add(std::span<const uint32_t> ids) {
  if (ids.empty()) return;
  for (const uint32_t id : ids) ++counts_[id];
  if (last_) pairs_.add(*last_, ids.front());
  for (size_t i = 1; i < ids.size(); ++i) pairs_.add(ids[i - 1], ids[i]);
  last_ = ids.back();
}

Marks EntropyCounter::marks() const {
  uint64_t total = 0;
  for (const uint64_t count : counts_) total += count;
  Marks marks;
  for (const uint64_t count : counts_) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(total);
    marks.unigram_bits -= share * std::log2(share);
  }
  std::vector<uint64_t> followed = counts_;  // all but the very last character have a successor
  if (last_) --followed[*last_];
  double bits = 0;
  pairs_.for_each([&](uint32_t before, uint64_t count) {
    bits -= static_cast<double>(count) *
            std::log2(static_cast<double>(count) / static_cast<double>(followed[before]));
  });
  if (total > 1) marks.bigram_bits = bits / static_cast<double>(total - 1);
  return marks;
}

}  // namespace charrnn
