#include "charrnn/text/utf8.h"

#include <unicode/uchar.h>

#include <array>
#include <cstdio>

#include "charrnn/core/error.h"
#include "charrnn/core/vectorize.h"

namespace charrnn {

CHARRNN_VECTORIZED uint64_t count_characters(std::string_view utf8) {
  uint64_t continuations = 0;
  for (size_t i = 0; i < utf8.size(); ++i) {
    continuations += static_cast<uint64_t>(static_cast<signed char>(utf8[i]) < -64);
  }
  return utf8.size() - continuations;
}

std::u32string decode_utf8(std::string_view utf8) {
  std::u32string characters;
  const char* const end = utf8.data() + utf8.size();
  for (const char* at = utf8.data(); at < end;) characters += next_character(at);
  return characters;
}

size_t bytes_of(std::string_view utf8, uint64_t units, Unit unit) {
  if (unit == Unit::kByte) return units;
  const char* at = utf8.data();
  for (; units > 0; --units) next_character(at);
  return static_cast<size_t>(at - utf8.data());
}

Malformed find_malformed(std::string_view text, size_t from) {
  const char* const end = text.data() + text.size();
  const char* at = text.data() + from;
  while ((at = skip_ascii(at, end)) < end) {
    while (at < end && !U8_IS_SINGLE(*at)) {
      const char* const begin = at;
      if (next_or_malformed(at, end) < 0) {
        return {static_cast<size_t>(begin - text.data()), static_cast<size_t>(at - begin)};
      }
    }
  }
  return {text.size(), 0};
}

namespace {

[[noreturn]] void fail_malformed(std::string_view text, Malformed found, const std::string& origin,
                                 uint64_t offset) {
  const bool cut_off = found.begin + found.bytes == text.size();
  const std::string_view rest = text.substr(found.begin);
  const bool surrogate = rest.size() > 1 && rest[0] == '\xed' && static_cast<unsigned char>(rest[1]) >= 0xa0;
  fail_usage(
      origin, ": expected UTF-8, found the bytes ", hex_bytes(rest.substr(0, found.bytes)), " at byte ",
      offset + found.begin, cut_off ? ", where the text ends inside a character" : "",
      surrogate ? ", half of a surrogate pair, which is valid in CESU-8 (corpus.encoding: CESU-8)" : "",
      ": set corpus.invalid_bytes to replace or skip, or corpus.encoding to the charset of the text");
}

}  // namespace

uint64_t repair_utf8(std::string& text, InvalidBytes policy, const std::string& origin, uint64_t offset) {
  Malformed found = find_malformed(text);
  if (found.bytes == 0) return 0;
  if (policy == InvalidBytes::kError) fail_malformed(text, found, origin, offset);
  std::string repaired;
  repaired.reserve(text.size() + 64);
  uint64_t count = 0;
  size_t copied = 0;
  for (; found.bytes > 0; found = find_malformed(text, copied)) {
    ++count;
    repaired.append(text, copied, found.begin - copied);
    if (policy == InvalidBytes::kReplace) append_utf8(kReplacement, repaired);
    copied = found.begin + found.bytes;
  }
  repaired.append(text, copied);
  text = std::move(repaired);
  return count;
}

void require_utf8(std::string_view text, const std::string& origin) {
  const Malformed found = find_malformed(text);
  if (found.bytes > 0) {
    fail_usage(origin, ": expected UTF-8, found the bytes ", hex_bytes(text.substr(found.begin, found.bytes)),
               " at byte ", found.begin, ": check the charset of the terminal or the file");
  }
}

std::string printable_text(std::string_view text) {
  constexpr char32_t kPictures = 0x2400;
  constexpr char32_t kDelete = 0x7f;
  constexpr char32_t kDeletePicture = 0x2421;
  std::string printable;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const int32_t found = next_or_malformed(at, end);
    char32_t character = found < 0 ? kReplacement : static_cast<char32_t>(found);
    const bool is_control = character < ' ' && character != '\t' && character != '\n';
    if (is_control) character += kPictures;
    if (character == kDelete) character = kDeletePicture;
    append_utf8(character, printable);
  }
  return printable;
}

std::string lower_ascii(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string hex_bytes(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    std::array<char, 4> digits{};
    std::snprintf(digits.data(), digits.size(), "%s%02x", hex.empty() ? "" : " ",
                  static_cast<unsigned>(static_cast<unsigned char>(byte)));
    hex += digits.data();
  }
  return hex;
}

void append_utf8(char32_t character, std::string& out) {
  std::array<char, U8_MAX_LENGTH> bytes{};
  size_t length = 0;
  U8_APPEND_UNSAFE(bytes.data(), length, static_cast<UChar32>(character));
  out.append(bytes.data(), length);
}

std::string character_name(char32_t character) {
  std::array<char, 16> code{};
  std::snprintf(code.data(), code.size(), "U+%04X", static_cast<unsigned>(character));
  const auto c = static_cast<UChar32>(character);
  if (u_isgraph(c) == 0 || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0)
    return code.data();
  std::string name = "'";
  append_utf8(character, name);
  return name + "' (" + code.data() + ")";
}

}  // namespace charrnn
