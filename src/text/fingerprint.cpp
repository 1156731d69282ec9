#include "text/fingerprint.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "core/counter_random.h"
#include "text/utf8.h"

namespace charrnn {
namespace {

constexpr int kLetterBits = 2;     // 32 letters are a passage
constexpr int kIdeographBits = 6;  // 11 of them

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

// Of the first 65,536 characters: ICU is too slow to be asked for each letter of a text.
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

void Fingerprint::keep(uint64_t hash) {
  if (count_ == kPassages && hash >= kept_.back()) return;
  const auto end = kept_.begin() + static_cast<ptrdiff_t>(count_);
  const auto place = std::lower_bound(kept_.begin(), end, hash);
  if (place != end && *place == hash) return;
  if (count_ < kPassages) ++count_;
  const auto last = kept_.begin() + static_cast<ptrdiff_t>(count_) - 1;  // makes room, or is the largest
  std::copy_backward(place, last, last + 1);
  *place = hash;
}

void Fingerprint::push(char32_t character) {
  const Step step = character < 128       ? ascii_steps()[character]
                    : character < 0x10000 ? steps()[character]
                                          : step_of(character);
  if (step.bits == 0) return;
  hash_ = (hash_ << step.bits) + step.value;
  shifted_ = std::min(shifted_ + step.bits, kBits);
  if (shifted_ == kBits) keep(hash_);
}

// Nearly all of the time that a fingerprint takes. Where no letter comes, the hash is that of before, and
// known.
void Fingerprint::add_ascii(const char* at, const char* end) {
  while (at < end && shifted_ < kBits) push(static_cast<unsigned char>(*at++));
  const std::array<Step, 128>& table = ascii_steps();
  uint64_t hash = hash_;
  uint64_t limit = count_ < kPassages ? UINT64_MAX : kept_.back();
  for (; at < end; ++at) {
    const Step& step = table[static_cast<unsigned char>(*at)];
    hash = (hash << step.bits) + step.value;
    if (hash < limit) {
      keep(hash);
      limit = count_ < kPassages ? UINT64_MAX : kept_.back();
    }
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
  // The passages that begin before this text; all others are in `next`.
  const char* const end = utf8.data() + utf8.size();
  Fingerprint own;  // only for how far it is
  const char* at = utf8.data();
  while (at < end && own.shifted_ < kBits) {
    const char32_t character = next_character(at);
    push(character);
    own.push(character);
  }
  if (own.shifted_ < kBits) return;
  for (size_t i = 0; i < next.count_; ++i) keep(next.kept_[i]);
  hash_ = next.hash_;
}

std::vector<uint32_t> Fingerprint::passages() const {
  std::vector<uint32_t> hashes;
  for (size_t i = 0; i < count_; ++i) hashes.push_back(static_cast<uint32_t>(mix64(kept_[i])));
  if (count_ == 0 && shifted_ > 0) hashes.push_back(static_cast<uint32_t>(mix64(hash_)));
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

}  // namespace charrnn
