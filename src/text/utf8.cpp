#include "text/utf8.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "core/error.h"

namespace charrnn {
namespace {

constexpr char32_t kByteOrderMark = 0xfeff;
constexpr size_t kLongest = 4;  // bytes of a character

bool is_ascii(const char* eight_bytes) {
  uint64_t word = 0;
  std::memcpy(&word, eight_bytes, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

struct Decoded {
  UChar32 character;  // negative: malformed
  size_t length;      // bytes; of malformed ones, those that belong together
};

Decoded decode_one(std::string_view bytes) {
  int32_t length = 0;
  UChar32 character = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
  U8_NEXT(bytes.data(), length, static_cast<int32_t>(bytes.size()), character);
#pragma GCC diagnostic pop
  return {character, static_cast<size_t>(length)};
}

// The number of bytes before a character that is valid so far but cut off at the end.
int32_t whole_characters(std::string_view bytes) {
  auto length = static_cast<int32_t>(bytes.size());
  U8_TRUNCATE_IF_INCOMPLETE(bytes.data(), 0, length);
  return length;
}

}  // namespace

std::u32string_view Utf8Decoder::decode(std::string_view bytes) {
  const size_t block_bytes = bytes.size();
  const char* const block = bytes.data();
  if (out_.size() < block_bytes + kLongest) out_.resize(block_bytes + kLongest);
  size_ = 0;
  if (!pending_.empty()) complete_pending(bytes);

  const char* from = bytes.data();
  const char* const last = from + bytes.size();
  const std::string_view tail = bytes.substr(bytes.size() - std::min(bytes.size(), kLongest));
  const char* const end = last - tail.size() + whole_characters(tail);
  while (from < end) {
    from = widen(from, end);
    while (from < end && !U8_IS_SINGLE(*from)) {
      const Decoded next = decode_one({from, static_cast<size_t>(std::min<ptrdiff_t>(end - from, kLongest))});
      if (next.character < 0)
        fail_malformed({from, next.length}, offset_ + static_cast<uint64_t>(from - block), "");
      put(static_cast<char32_t>(next.character));
      from += next.length;
    }
  }
  pending_.append(from, last);
  offset_ += block_bytes;
  return {out_.data(), size_};
}

void Utf8Decoder::finish() const {
  if (!pending_.empty())
    fail_malformed(pending_, offset_ - pending_.size(), ", where the text ends inside a character");
}

// Writes the run of ASCII at `from`, if there is one, and returns its end.
const char* Utf8Decoder::widen(const char* from, const char* end) {
  char32_t* out = out_.data() + size_;
  const char* const start = from;
  for (; end - from >= 8 && is_ascii(from); from += 8, out += 8) {
    for (int i = 0; i < 8; ++i) out[i] = static_cast<unsigned char>(from[i]);
  }
  for (; from < end && U8_IS_SINGLE(*from); ++from) *out++ = static_cast<unsigned char>(*from);
  size_ += static_cast<size_t>(from - start);
  if (from != start) may_drop_ = false;
  return from;
}

// Takes bytes from the block, one at a time, until the character that the last block began is whole.
void Utf8Decoder::complete_pending(std::string_view& bytes) {
  const uint64_t offset = offset_ - pending_.size();
  while (!bytes.empty()) {
    pending_ += bytes.front();
    bytes.remove_prefix(1);
    if (whole_characters(pending_) == 0) continue;
    const Decoded next = decode_one(pending_);
    if (next.character < 0) fail_malformed(std::string_view(pending_).substr(0, next.length), offset, "");
    put(static_cast<char32_t>(next.character));
    pending_.clear();
    return;
  }
}

void Utf8Decoder::put(char32_t character) {
  if (!may_drop_ || character != kByteOrderMark) out_[size_++] = character;
  may_drop_ = false;
}

void Utf8Decoder::fail_malformed(std::string_view bytes, uint64_t offset, const char* what) const {
  std::string hex;
  for (const char byte : bytes) {
    std::array<char, 4> digits{};
    std::snprintf(digits.data(), digits.size(), " %02x",
                  static_cast<unsigned>(static_cast<unsigned char>(byte)));
    hex += digits.data();
  }
  fail_usage(origin_, ": expected UTF-8, found the bytes", hex, " at byte ", offset, what,
             ": convert the text first, such as with iconv -f WINDOWS-1252 -t UTF-8");
}

void append_utf8(char32_t character, std::string& out) {
  std::array<char, kLongest> bytes{};
  size_t length = 0;
  U8_APPEND_UNSAFE(bytes.data(), length, static_cast<UChar32>(character));
  out.append(bytes.data(), length);
}

std::string character_name(char32_t character) {
  std::array<char, 16> code{};
  std::snprintf(code.data(), code.size(), "U+%04X", static_cast<unsigned>(character));
  if (u_isgraph(static_cast<UChar32>(character)) == 0) return code.data();
  std::string name = "'";
  append_utf8(character, name);
  return name + "' (" + code.data() + ")";
}

}  // namespace charrnn
