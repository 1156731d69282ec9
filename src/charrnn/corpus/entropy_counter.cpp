#include "charrnn/corpus/entropy_counter.h"

#include <cmath>
#include <vector>

namespace charrnn {

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
  if (first_) ++counts[*first_];  // not a target, but one of the N characters
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
