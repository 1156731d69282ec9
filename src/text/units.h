// The last stage of reading: characters become the units that the vocabulary counts, code points or UTF-8
// bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace charrnn {

class Units {
 public:
  explicit Units(Unit unit) : unit_(unit) {}

  // Unit::kCodePoint: the characters themselves. Unit::kByte: one value of 0 to 255 for each byte of their
  // UTF-8. Valid until the next call.
  std::u32string_view split(std::u32string_view characters);

 private:
  Unit unit_;
  std::u32string out_;
};

// Bytes of UTF-8 that these units stand for.
uint64_t utf8_bytes(std::u32string_view units, Unit unit);

}  // namespace charrnn
