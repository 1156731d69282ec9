// UTF-8, the form of text from decoding to counting: checks it, iterates over it, and names its characters in
// messages. Runs of ASCII are skipped 32 bytes at a time; ICU handles every other character.
#pragma once

#include <unicode/utf8.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

inline constexpr char32_t kReplacement = 0xfffd;

// The first byte of [from, end) that is not ASCII, or end.
inline const char* skip_ascii(const char* from, const char* end) {
  constexpr uint64_t kHigh = 0x8080808080808080u;
  uint64_t words[4];
  for (; end - from >= 32; from += 32) {
    std::memcpy(words, from, sizeof words);
    if (((words[0] | words[1] | words[2] | words[3]) & kHigh) != 0) break;
  }
  for (; end - from >= 8; from += 8) {
    std::memcpy(words, from, 8);
    if ((words[0] & kHigh) != 0) return from + __builtin_ctzll(words[0] & kHigh) / 8;
  }
  while (from < end && U8_IS_SINGLE(*from)) ++from;
  return from;
}

// The character at `at` in valid UTF-8; `at` moves past it.
inline char32_t next_character(const char*& at) {
  size_t i = 0;
  UChar32 character = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
  U8_NEXT_UNSAFE(at, i, character);
#pragma GCC diagnostic pop
  at += i;
  return static_cast<char32_t>(character);
}

inline bool is_ascii(std::string_view text) {
  return skip_ascii(text.data(), text.data() + text.size()) == text.data() + text.size();
}

// The same in text that may be malformed: negative for a sequence that is not a character, and `at` moves
// past that (a maximal subpart, as Unicode 15, table 3-8 counts them). `at` must lie before `end`.
inline int32_t next_or_malformed(const char*& at, const char* end) {
  int32_t i = 0;
  const auto room = static_cast<int32_t>(end - at < U8_MAX_LENGTH ? end - at : U8_MAX_LENGTH);
  UChar32 character = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // inside ICU's macro
  U8_NEXT(at, i, room, character);
#pragma GCC diagnostic pop
  at += i;
  return character;
}

// Calls visit(character) for each character that is not ASCII, in order. The text must be valid.
template <class Visit>
void for_each_non_ascii(std::string_view utf8, Visit visit) {
  const char* const end = utf8.data() + utf8.size();
  for (const char* at = skip_ascii(utf8.data(), end); at < end; at = skip_ascii(at, end)) {
    while (at < end && !U8_IS_SINGLE(*at)) visit(next_character(at));
  }
}

// Code points of valid UTF-8, as a number and one by one.
uint64_t count_characters(std::string_view utf8);
std::u32string decode_utf8(std::string_view utf8);

// The number of bytes in the first `units` code points, or bytes, of valid UTF-8.
size_t bytes_of(std::string_view utf8, uint64_t units, Unit unit);

// A sequence of bytes that is not a character: a maximal subpart, as Unicode 15, table 3-8 counts them.
struct Malformed {
  size_t begin;
  size_t bytes;  // 0: no such sequence
};
// The first one at or after `from`.
Malformed find_malformed(std::string_view text, size_t from = 0);

// Makes a text valid; returns how many malformed sequences it had. InvalidBytes::kError throws (kInput)
// at the first, naming `origin`, its place counted from `offset`, and its bytes.
uint64_t repair_utf8(std::string& text, InvalidBytes policy, const std::string& origin, uint64_t offset);
// The same for a text that a user typed or a file of charrnn: throws, never repairs.
void require_utf8(std::string_view text, const std::string& origin);

// For a text file: malformed bytes become U+FFFD; control characters other than tab and line end become their
// symbols (U+2400 for NUL).
std::string printable_text(std::string_view text);

// Converts A to Z to lower case, as for file endings.
std::string lower_ascii(std::string text);

// "e9 20": bytes as messages show them.
std::string hex_bytes(std::string_view bytes);

void append_utf8(char32_t character, std::string& out);

// "'a' (U+0061)", "U+000A": how messages name a character.
std::string character_name(char32_t character);

}  // namespace charrnn
