#include "text/units.h"

#include <unicode/utf8.h>

namespace charrnn {

std::u32string_view Units::split(std::u32string_view characters) {
  if (unit_ == Unit::kCodePoint) return characters;
  if (out_.size() < characters.size() * U8_MAX_LENGTH) out_.resize(characters.size() * U8_MAX_LENGTH);
  size_t size = 0;
  for (const char32_t character : characters) {
    if (character < 0x80) {
      out_[size++] = character;
      continue;
    }
    uint8_t bytes[U8_MAX_LENGTH];
    size_t length = 0;
    U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(character));
    for (size_t i = 0; i < length; ++i) out_[size++] = bytes[i];
  }
  return {out_.data(), size};
}

uint64_t utf8_bytes(std::u32string_view units, Unit unit) {
  if (unit == Unit::kByte) return units.size();
  uint64_t bytes = 0;
  for (const char32_t c : units) {
    bytes += 1u + static_cast<unsigned>(c >= 0x80) + static_cast<unsigned>(c >= 0x800) +
             static_cast<unsigned>(c >= 0x10000);
  }
  return bytes;
}

}  // namespace charrnn
