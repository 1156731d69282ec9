// How often each pair of an id and its target occurs. A table of D x D counts pairs of low ids: they are the
// low code points, in most texts nearly all. A hash table counts the other pairs that occur.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace charrnn {

class PairCounts {
 public:
  explicit PairCounts(size_t vocabulary_size);

  // The pairs (before, ids[0]), (ids[0], ids[1]), ...
  template <class Id>
  void add(uint32_t before, std::span<const Id> ids);
  // The pairs (ids[0], targets[0]), (ids[1], targets[1]), ...
  template <class Id>
  void add_aligned(std::span<const Id> ids, std::span<const Id> targets);
  void add(const PairCounts& more);

  struct Pair {
    uint32_t before, after;
    uint64_t count;
  };
  std::vector<Pair> pairs() const;  // those that occur, ascending

 private:
  // This many pairs cannot overflow a counter of the table, even if they are all equal.
  static constexpr size_t kMostUnspilled = 0xffffffff;

  using Sparse = absl::flat_hash_map<uint64_t, uint64_t>;  // before << 32 | after -> count

  void make_room(size_t pairs) {
    if (pairs > kMostUnspilled - unspilled_) spill();
    unspilled_ += pairs;
  }
  // A function that counts one pair; it has copies of the members that a loop should keep in registers.
  auto counting() {
    return [this, side = side_, stride = stride_, table = table_.data()](uint32_t before, uint32_t after) {
      if (before < side && after < side) {
        ++table[before * stride + after];
      } else {
        ++sparse_[uint64_t{before} << 32 | after];
      }
    };
  }
  void add_table_to(Sparse& counts) const;
  void spill();

  size_t side_;                  // D
  size_t stride_;                // of a row; not a power of two, or all rows would share a few cache lines
  std::vector<uint32_t> table_;  // (D, stride): before, after
  size_t unspilled_ = 0;         // sum of the table
  Sparse sparse_;
};

template <class Id>
void PairCounts::add(uint32_t before, std::span<const Id> ids) {
  make_room(ids.size());
  const auto count = counting();
  for (const Id id : ids) {
    count(before, id);
    before = id;
  }
}

template <class Id>
void PairCounts::add_aligned(std::span<const Id> ids, std::span<const Id> targets) {
  make_room(ids.size());
  const auto count = counting();
  for (size_t i = 0; i < ids.size(); ++i) count(ids[i], targets[i]);
}

}  // namespace charrnn
