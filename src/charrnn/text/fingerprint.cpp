#include "charrnn/text/fingerprint.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <vector>

#include "charrnn/core/counter_random.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr int kLetterBits = 2;     // 32 letters are a passage
constexpr int kIdeographBits = 6;  // 11 of them
constexpr int kBinShift = 64 - 5;  // the upper bits of a hash are its bin

// One passage in four: enough for 32 bins, and faster.
bool is_taken(uint64_t hash) {
  return (hash >> 24 & 3) == 0;
}

// What a character adds: nothing unless it is a letter or digit.
struct Step {
  uint64_t value = 0;
  int bits = 0;
};

// Ideographs, kana and Hangul syllables.
bool is_wide(char32_t character) {
  return (character >= 0x3040 && character < 0xd800) || character >= 0x20000;
}

Step step_of(char32_t character) {
  const auto c = static_cast<UChar32>(character);
  if (u_isalnum(c) == 0) return {};
  return {mix64(static_cast<uint64_t>(u_foldCase(c, U_FOLD_CASE_DEFAULT))),
          is_wide(character) ? kIdeographBits : kLetterBits};
}

// The steps of the first 65,536 characters: calling ICU for each letter of a text would be too slow.
const std::vector<Step>& steps() {
  static const std::vector<Step> table = [] {
    std::vector<Step> made(0x10000);
    for (char32_t c = 0; c < made.size(); ++c) made[c] = step_of(c);
    return made;
  }();
  return table;
}

const std::array<Step, 128>& ascii_steps() {
  static const std::array<Step, 128> table = [] {
    std::array<Step, 128> made;
    for (char32_t c = 0; c < made.size(); ++c) made[c] = step_of(c);
    return made;
  }();
  return table;
}

}  // namespace

void Fingerprint::push(char32_t character) {
  const Step step = character < 128       ? ascii_steps()[character]
                    : character < 0x10000 ? steps()[character]
                                          : step_of(character);
  if (step.bits == 0) return;
  hash_ = (hash_ << step.bits) + step.value;
  shifted_ = std::min(shifted_ + step.bits, kBits);
  if (shifted_ == kBits && is_taken(hash_)) keep(hash_);
}

void Fingerprint::keep(uint64_t hash) {
  uint64_t& smallest = smallest_[hash >> kBinShift];
  smallest = std::min(smallest, hash);
}

// Takes nearly all of the time of a fingerprint, so it has hardly any branches: a character that is not a
// letter leaves the hash unchanged, and keeping the same hash again has no effect.
void Fingerprint::add_ascii(const char* at, const char* end) {
  while (at < end && shifted_ < kBits) push(static_cast<unsigned char>(*at++));
  const std::array<Step, 128>& table = ascii_steps();
  std::array<uint64_t, 256> taken;
  uint64_t hash = hash_;
  while (at < end) {
    size_t count = 0;
    for (const char* const stop = at + std::min<ptrdiff_t>(end - at, taken.size()); at < stop; ++at) {
      const Step& step = table[static_cast<unsigned char>(*at)];
      hash = (hash << step.bits) + step.value;
      taken[count] = hash;
      count += is_taken(hash) ? 1 : 0;
    }
    for (size_t i = 0; i < count; ++i) keep(taken[i]);
  }
  hash_ = hash;
}

void Fingerprint::add(std::string_view utf8) {
  const char* const end = utf8.data() + utf8.size();
  for (const char* at = utf8.data(); at < end;) {
    const char* const ascii_end = skip_ascii(at, end);
    add_ascii(at, ascii_end);
    at = ascii_end;
    while (at < end && !U8_IS_SINGLE(*at)) push(next_character(at));
  }
}

void Fingerprint::append(const Fingerprint& next, std::string_view utf8) {
  // Adds the passages that begin before this text; all others are in `next`.
  const char* const end = utf8.data() + utf8.size();
  Fingerprint of_this;  // only to count the bits shifted
  for (const char* at = utf8.data(); at < end && of_this.shifted_ < kBits;) {
    const char32_t character = next_character(at);
    push(character);
    of_this.push(character);
  }
  if (of_this.shifted_ < kBits) return;
  for (size_t bin = 0; bin < kBins; ++bin) smallest_[bin] = std::min(smallest_[bin], next.smallest_[bin]);
  hash_ = next.hash_;
}

Fingerprint::Passages Fingerprint::passages() const {
  const auto short_hash = [](uint64_t hash) { return std::max(static_cast<uint32_t>(mix64(hash)), 1u); };
  Passages passages{};
  for (size_t bin = 0; bin < kBins; ++bin) {
    if (smallest_[bin] != UINT64_MAX) passages[bin] = short_hash(smallest_[bin]);
  }
  const bool has_none =
      std::all_of(passages.begin(), passages.end(), [](uint32_t hash) { return hash == 0; });
  if (has_none && shifted_ > 0) passages[0] = short_hash(hash_);
  return passages;
}

double likeness(const Fingerprint::Passages& a, const Fingerprint::Passages& b) {
  int same = 0;
  int empty = 0;
  for (size_t bin = 0; bin < a.size(); ++bin) {
    same += a[bin] == b[bin] ? 1 : 0;
    empty += (a[bin] | b[bin]) == 0 ? 1 : 0;
  }
  const int bins = static_cast<int>(a.size()) - empty;
  return bins == 0 ? 0 : static_cast<double>(same - empty) / bins;
}

}  // namespace charrnn
