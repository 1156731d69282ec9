// By what copies of a text are found: a few of its passages, the same ones for the same text. A passage is a
// run of 32 letters and digits (some 10 ideographs), whatever their case and whatever lies between them, so
// that other line breaks, quotes and dashes make no difference. One passage in four is taken, by its hash;
// the hashes fall into 32 bins, and each bin keeps its smallest: a sample of the set of all passages (one
// permutation hashing, Li, Owen and Zhang 2012).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace charrnn {

class Fingerprint {
 public:
  static constexpr size_t kBins = 32;
  // Hashes of the passages kept, one of each bin; 0 if it has none.
  using Passages = std::array<uint32_t, kBins>;

  Fingerprint() { smallest_.fill(UINT64_MAX); }

  // Valid UTF-8, in pieces however cut.
  void add(std::string_view utf8);
  // The same as add(utf8), of which `next` is the fingerprint already.
  void append(const Fingerprint& next, std::string_view utf8);

  // A text too short to have any has one for its last letters; without any letter or digit it has none.
  Passages passages() const;

 private:
  static constexpr int kBits = 64;

  void push(char32_t character);
  void add_ascii(const char* at, const char* end);
  void keep(uint64_t hash);

  // Each letter shifts what came before, until it is shifted out: a function of the last letters alone.
  uint64_t hash_ = 0;
  int shifted_ = 0;  // bits, up to kBits: then a passage is complete
  std::array<uint64_t, kBins> smallest_;
};

// Of the passages that either text has, the share that both have (Jaccard), as their samples show it.
double likeness(const Fingerprint::Passages& a, const Fingerprint::Passages& b);

}  // namespace charrnn
