#include "charrnn/corpus/pair_counts.h"

#include <algorithm>

namespace charrnn {
namespace {

constexpr size_t kLargestSide = 512;  // 1 MB

}  // namespace

PairCounts::PairCounts(size_t vocabulary_size)
    : side_(std::min(vocabulary_size, kLargestSide)), stride_(side_ + 16), table_(side_ * stride_) {}

void PairCounts::add_table_to(Sparse& counts) const {
  for (size_t before = 0; before < side_; ++before) {
    for (size_t after = 0; after < side_; ++after) {
      const uint32_t count = table_[before * stride_ + after];
      if (count > 0) counts[uint64_t{before} << 32 | after] += count;
    }
  }
}

void PairCounts::add(const PairCounts& more) {
  more.add_table_to(sparse_);
  for (const auto& [pair, count] : more.sparse_) sparse_[pair] += count;
}

// Moves the counts of the table to the hash table, whose 64-bit counters cannot overflow.
void PairCounts::spill() {
  add_table_to(sparse_);
  std::fill(table_.begin(), table_.end(), 0);
  unspilled_ = 0;
}

std::vector<PairCounts::Pair> PairCounts::pairs() const {
  Sparse all = sparse_;
  add_table_to(all);
  std::vector<Pair> found;
  found.reserve(all.size());
  for (const auto& [pair, count] : all) {
    found.push_back({static_cast<uint32_t>(pair >> 32), static_cast<uint32_t>(pair), count});
  }
  std::sort(found.begin(), found.end(), [](const Pair& a, const Pair& b) {
    return a.before != b.before ? a.before < b.before : a.after < b.after;
  });
  return found;
}

}  // namespace charrnn
