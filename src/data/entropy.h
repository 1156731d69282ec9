// The marks that a model must beat: entropies of a stream of ids, in bits per character. One call of add()
// after the other is one stream; pairs are counted across the borders of blocks and documents.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/corpus_folder.h"

namespace charrnn {

// How often each pair of ids follows one another. A table of D x D counts the pairs of low ids, which are the
// low code points and so in most texts nearly all; a hash table has the others that occur.
class PairCounts {
 public:
  explicit PairCounts(size_t vocabulary_size);

  void add(uint32_t before, uint32_t after) {
    if (before < side_ && after < side_) {
      ++table_[size_t{before} * side_ + after];
    } else {
      add_sparse(uint64_t{before} << 32 | after);
    }
  }

  // Calls visit(before, count) for each pair that occurs, in an order that depends on the stream alone.
  template <class Visit>
  void for_each(Visit visit) const {
    for (size_t i = 0; i < table_.size(); ++i) {
      if (table_[i] > 0) visit(static_cast<uint32_t>(i / side_), table_[i]);
    }
    for (const Slot& slot : slots_) {
      if (slot.count > 0) visit(static_cast<uint32_t>(slot.pair >> 32), slot.count);
    }
  }

 private:
  struct Slot {
    uint64_t pair = 0;
    uint64_t count = 0;  // 0: free
  };
  Slot& find(uint64_t pair);
  void add_sparse(uint64_t pair);

  size_t side_;                  // D
  std::vector<uint64_t> table_;  // (D, D): before, after
  std::vector<Slot> slots_;      // open addressing with linear probing, a power of two
  size_t used_ = 0;
};

class EntropyCounter {
 public:
  explicit EntropyCounter(size_t vocabulary_size) : counts_(vocabulary_size), pairs_(vocabulary_size) {}

  void add(std::span<const uint32_t> ids);
  // Unigram: H(x) over all N characters. Bigram: H(x_t | x_{t-1}) over the N - 1 pairs.
  Marks marks() const;

 private:
  std::vector<uint64_t> counts_;  // (V)
  PairCounts pairs_;
  std::optional<uint32_t> last_;
};

}  // namespace charrnn
