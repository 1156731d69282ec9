// By what copies of a text are found: a few of its passages, the same ones for the same text. A passage is a
// run of 32 letters and digits (some 10 ideographs), whatever their case and whatever lies between them, so
// that other line breaks, quotes and dashes make no difference. Kept are those with the smallest hashes, a
// sample of the set of all passages (bottom-k MinHash, Broder 1997).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace charrnn {

class Fingerprint {
 public:
  static constexpr size_t kPassages = 32;  // kept of a text; fewer where it has no more

  // Valid UTF-8, in pieces however cut.
  void add(std::string_view utf8);
  // The same as add(utf8), of which `next` is the fingerprint already.
  void append(const Fingerprint& next, std::string_view utf8);

  // Hashes of the passages kept, ascending. A text of less than a passage has one for all of it.
  std::vector<uint32_t> passages() const;

 private:
  static constexpr int kBits = 64;

  // One more letter or digit, or something else, which changes nothing.
  void push(char32_t character);
  void add_ascii(const char* at, const char* end);
  void keep(uint64_t hash);

  // Each letter shifts what came before, until it is shifted out: a function of the last letters alone.
  uint64_t hash_ = 0;
  int shifted_ = 0;                         // bits, up to kBits: then a passage is complete
  std::array<uint64_t, kPassages> kept_{};  // the first count_, ascending
  size_t count_ = 0;
};

}  // namespace charrnn
