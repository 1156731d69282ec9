// A fingerprint of a text, by which copies are found: hashes of a few of its passages, equal for equal texts.
// A passage is a run of 32 letters and digits (some 10 ideographs), regardless of case and of what separates
// them, so that different line breaks, quotes and dashes do not matter. One passage in four is used, chosen
// by its hash; the hashes fall into 32 bins, and each bin keeps the smallest: a sample of the set of all
// passages (one permutation hashing, Li, Owen and Zhang 2012).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace charrnn {

class Fingerprint {
 public:
  static constexpr size_t kBins = 32;
  // Hashes of the passages kept, one for each bin; 0 if the bin is empty.
  using Passages = std::array<uint32_t, kBins>;

  Fingerprint() { smallest_.fill(UINT64_MAX); }

  // Adds the next piece of the text, valid UTF-8. The result does not depend on where pieces are cut.
  void add(std::string_view utf8);
  // The same as add(utf8) if `next` is the fingerprint of `utf8`, but faster.
  void append(const Fingerprint& next, std::string_view utf8);

  // A text too short for a passage has one of its last letters; a text without letters and digits has none.
  Passages passages() const;

 private:
  static constexpr int kBits = 64;

  void push(char32_t character);
  void add_ascii(const char* at, const char* end);
  void keep(uint64_t hash);

  // Each letter shifts the ones before it, until they are shifted out: a function of the last letters alone.
  uint64_t hash_ = 0;
  int shifted_ = 0;  // bits shifted so far; at kBits a passage is complete
  std::array<uint64_t, kBins> smallest_;
};

// Jaccard similarity: of the passages in either text, the share that is in both, estimated from the samples.
double likeness(const Fingerprint::Passages& a, const Fingerprint::Passages& b);

}  // namespace charrnn
