// The ids of all characters of a text, by code point. Turns clean text into the ids that shards hold.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "charrnn/text/utf8.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

class IdTable {
 public:
  // `seen`: the characters that occur.
  IdTable(const Vocabulary& vocabulary, const std::vector<Vocabulary::Character>& seen)
      : ids_(0x110000, kNone) {
    for (const auto& character : seen) ids_[character.value] = vocabulary.id(character.value);
  }

  // The ids of the characters of valid UTF-8. False if one of them is not in `seen`.
  template <class Id>
  bool look_up(std::string_view utf8, Unit unit, std::vector<Id>& ids) const {
    ids.resize(utf8.size());
    const uint32_t* const table = ids_.data();
    Id* out = ids.data();
    uint32_t seen = 0;
    const char* const end = utf8.data() + utf8.size();
    for (const char* at = utf8.data(); at < end;) {
      uint64_t eight = 0;
      if (end - at >= 8) std::memcpy(&eight, at, 8);
      if (end - at >= 8 && (unit == Unit::kByte || (eight & 0x8080808080808080u) == 0)) {
        for (int i = 0; i < 8; ++i) {
          const uint32_t id = table[(eight >> (8 * i)) & 0xff];
          out[i] = static_cast<Id>(id);
          seen |= id;
        }
        at += 8;
        out += 8;
      } else {
        const bool is_byte = unit == Unit::kByte || U8_IS_SINGLE(*at);
        const uint32_t id = table[is_byte ? static_cast<unsigned char>(*at++) : next_character(at)];
        *out++ = static_cast<Id>(id);
        seen |= id;
      }
    }
    ids.resize(static_cast<size_t>(out - ids.data()));
    return (seen & kNone) == 0;
  }

 private:
  static constexpr uint32_t kNone = uint32_t{1} << 31;

  std::vector<uint32_t> ids_;
};

}  // namespace charrnn
