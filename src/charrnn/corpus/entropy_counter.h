// Baselines for a model: entropies of a stream of ids, in bits per character. Blocks of the stream may be
// counted by several counters, in any order; pairs are counted across the borders of blocks and documents.
// The target of an id is the next id, or with aligned targets the target at the same position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "charrnn/corpus/pair_counts.h"
#include "charrnn/data/baselines.h"

namespace charrnn {

class EntropyCounter {
 public:
  explicit EntropyCounter(size_t vocabulary_size)
      : vocabulary_size_(vocabulary_size), pairs_(vocabulary_size) {}

  // Ids of a stream, at least one; `before` is the id before them, nullopt at the stream's start.
  template <class Id>
  void add(std::span<const Id> ids, std::optional<uint32_t> before) {
    if (!before) {
      first_ = ids.front();
      before = first_;
      ids = ids.subspan(1);
    }
    pairs_.add(*before, ids);
  }
  // Ids and their aligned targets. One counter takes either these or ids alone.
  template <class Id>
  void add_aligned(std::span<const Id> ids, std::span<const Id> targets) {
    pairs_.add_aligned(ids, targets);
  }
  // What another counter counted of the same stream.
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
