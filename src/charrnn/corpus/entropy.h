// Baselines for a model: entropies of a stream of ids, in bits per character. Blocks of it may be
// counted by several counters, in any order; pairs are counted across the borders of blocks and documents.
// A target is the id that comes next, or with aligned targets the one that stands beside.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "charrnn/data/corpus_folder.h"

namespace charrnn {

// How often each pair of an id and its target occurs. A table of D x D counts the pairs of low ids, which are
// the low code points and so in most texts nearly all; a hash table has the others that occur.
class PairCounts {
 public:
  explicit PairCounts(size_t vocabulary_size);

  // The pairs (before, ids[0]), (ids[0], ids[1]), ...
  template <class Id>
  void add(uint32_t before, std::span<const Id> ids) {
    make_room(ids.size());
    const auto count = counting();
    for (const Id id : ids) {
      count(before, id);
      before = id;
    }
  }
  // The pairs (ids[0], targets[0]), (ids[1], targets[1]), ...
  template <class Id>
  void add_aligned(std::span<const Id> ids, std::span<const Id> targets) {
    make_room(ids.size());
    const auto count = counting();
    for (size_t i = 0; i < ids.size(); ++i) count(ids[i], targets[i]);
  }
  void add(const PairCounts& more);

  struct Pair {
    uint32_t before, after;
    uint64_t count;
  };
  std::vector<Pair> pairs() const;  // that occur, ascending

 private:
  // So many pairs cannot overflow a counter of the table, whichever they are.
  static constexpr size_t kMostUnspilled = 0xffffffff;

  struct Slot {
    uint64_t pair = 0;
    uint64_t count = 0;  // 0: free
  };
  void make_room(size_t pairs) {
    if (pairs > kMostUnspilled - unspilled_) spill();
    unspilled_ += pairs;
  }
  // Counts one pair. With copies of what a loop shall keep in registers.
  auto counting() {
    return [this, side = side_, stride = stride_, table = table_.data()](uint32_t before, uint32_t after) {
      if (before < side && after < side) {
        ++table[before * stride + after];
      } else {
        add_sparse(uint64_t{before} << 32 | after, 1);
      }
    };
  }
  Slot& find(uint64_t pair);
  void add_sparse(uint64_t pair, uint64_t count);
  void spill();

  size_t side_;    // D
  size_t stride_;  // of a row; no power of two, or all rows would share a few lines of the cache
  std::vector<uint32_t> table_;  // (D, stride): before, after
  size_t unspilled_ = 0;         // sum of the table
  std::vector<Slot> slots_;      // open addressing with linear probing, a power of two
  size_t used_ = 0;
};

class EntropyCounter {
 public:
  explicit EntropyCounter(size_t vocabulary_size)
      : vocabulary_size_(vocabulary_size), pairs_(vocabulary_size) {}

  // Ids of a stream, at least one; `before` is the one that comes before them, none at the stream's start.
  template <class Id>
  void add(std::span<const Id> ids, std::optional<uint32_t> before) {
    if (!before) {
      first_ = ids.front();
      before = first_;
      ids = ids.subspan(1);
    }
    pairs_.add(*before, ids);
  }
  // Ids and their aligned targets; then all that it is given are.
  template <class Id>
  void add_aligned(std::span<const Id> ids, std::span<const Id> targets) {
    pairs_.add_aligned(ids, targets);
  }
  // What another counter saw of the same stream.
  void add(const EntropyCounter& more);

  // Unigram: H(x) over all N characters. Bigram: H(x_t | x_{t-1}) over the N - 1 pairs. Aligned: H(target),
  // and H(target | its character), both over N pairs.
  Baselines baselines() const;

 private:
  size_t vocabulary_size_;  // V
  PairCounts pairs_;
  std::optional<uint32_t> first_;  // of the stream
};

}  // namespace charrnn
