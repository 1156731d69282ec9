#include "charrnn/corpus/entropy_counter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace charrnn {
namespace {

// Blocks in turn by several counters, as threads share a stream.
Baselines baselines_of(const std::vector<uint32_t>& ids, size_t vocabulary_size, size_t block = 1000000) {
  std::vector<EntropyCounter> counters(3, EntropyCounter(vocabulary_size));
  for (size_t i = 0; i < ids.size(); i += block) {
    const auto before = i == 0 ? std::nullopt : std::optional(ids[i - 1]);
    counters[i / block % 3].add(std::span(ids).subspan(i, std::min(block, ids.size() - i)), before);
  }
  EntropyCounter all(vocabulary_size);
  for (const EntropyCounter& counter : counters) all.add(counter);
  return all.baselines();
}

// abababab: two letters equally often, each of which determines the next.
TEST(Entropy, OfAlternatingLetters) {
  const Baselines baselines = baselines_of({0, 1, 0, 1, 0, 1, 0, 1}, 2);
  EXPECT_DOUBLE_EQ(baselines.unigram_bits, 1);
  EXPECT_DOUBLE_EQ(baselines.bigram_bits, 0);
}

TEST(Entropy, OfOneLetterIsNothing) {
  EXPECT_EQ(baselines_of({3, 3, 3}, 5).unigram_bits, 0);
  EXPECT_EQ(baselines_of({3, 3, 3}, 5).bigram_bits, 0);
  EXPECT_EQ(baselines_of({3}, 5).bigram_bits, 0);
}

// aabac: a 3/5, b 1/5, c 1/5. Pairs aa ab ba ac: after a, three ways equally often (3 of 4 pairs); after b,
// one.
TEST(Entropy, OfAHandCountedText) {
  const Baselines baselines = baselines_of({0, 0, 1, 0, 2}, 3);
  EXPECT_NEAR(baselines.unigram_bits, -(0.6 * std::log2(0.6) + 0.4 * std::log2(0.2)), 1e-12);
  EXPECT_NEAR(baselines.bigram_bits, 0.75 * std::log2(3.0), 1e-12);
}

TEST(Entropy, OfOneCounterAlone) {
  const std::vector<uint32_t> ids{0, 0, 1, 0, 2};
  EntropyCounter counter(3);
  counter.add(std::span(ids), std::nullopt);
  EXPECT_NEAR(counter.baselines().bigram_bits, 0.75 * std::log2(3.0), 1e-12);
}

// hello and its targets ohlol, by two counters: o 2/5, h 1/5, l 2/5; only l has two targets, in 2 of 5 pairs.
TEST(Entropy, OfAlignedTargets) {
  const std::vector<uint8_t> hello{1, 0, 2, 2, 3};
  const std::vector<uint8_t> ohlol{3, 1, 2, 3, 2};
  EntropyCounter counter(4);
  EntropyCounter other(4);
  counter.add_aligned(std::span(hello).first(3), std::span(ohlol).first(3));
  other.add_aligned(std::span(hello).subspan(3), std::span(ohlol).subspan(3));
  counter.add(other);
  EXPECT_NEAR(counter.baselines().unigram_bits, -(0.8 * std::log2(0.4) + 0.2 * std::log2(0.2)), 1e-12);
  EXPECT_NEAR(counter.baselines().bigram_bits, 0.4, 1e-12);
}

// Ids far apart, so that the table and the hash table both take part, and the hash table grows.
TEST(Entropy, OfALargeVocabularyEqualsAMapsInBlocksOfAnySize) {
  std::vector<uint32_t> ids;
  uint64_t state = 1;
  for (int i = 0; i < 300000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    ids.push_back(static_cast<uint32_t>((state >> 33) % (i % 3 == 0 ? 7 : 3000)));
  }
  std::map<uint32_t, double> counts, before;
  std::map<std::pair<uint32_t, uint32_t>, double> pairs;
  for (size_t i = 0; i < ids.size(); ++i) {
    ++counts[ids[i]];
    if (i > 0) ++before[ids[i - 1]], ++pairs[{ids[i - 1], ids[i]}];
  }
  const auto total = static_cast<double>(ids.size());
  double unigram = 0, bigram = 0;
  for (const auto& [id, count] : counts) unigram -= count / total * std::log2(count / total);
  for (const auto& [pair, count] : pairs)
    bigram -= count / (total - 1) * std::log2(count / before[pair.first]);
  for (const size_t block : {size_t{1}, size_t{1000}, ids.size()}) {
    const Baselines baselines = baselines_of(ids, 3000, block);
    EXPECT_NEAR(baselines.unigram_bits, unigram, 1e-9);
    EXPECT_NEAR(baselines.bigram_bits, bigram, 1e-9);
    // Bit for bit, because the manifest must not depend on threads.
    EXPECT_EQ(baselines.unigram_bits, baselines_of(ids, 3000).unigram_bits);
    EXPECT_EQ(baselines.bigram_bits, baselines_of(ids, 3000).bigram_bits);
  }
}

}  // namespace
}  // namespace charrnn
