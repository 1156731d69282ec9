// How often each character occurs: what a vocabulary is made from.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/utf8.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

class CharacterCounts {
 public:
  // Valid UTF-8. With Unit::kByte each of its bytes is a character.
  void add(std::string_view utf8, Unit unit) {
    count_bytes(utf8);
    if (unit == Unit::kByte) {
      for (size_t byte = 0x80; byte < 0x100; ++byte) counts_[byte] += take(byte);
    } else {
      for_each_non_ascii(utf8, [&](char32_t character) { ++counts_[character]; });
      for (size_t byte = 0x80; byte < 0x100; ++byte) take(byte);
    }
    for (size_t byte = 0; byte < 0x80; ++byte) counts_[byte] += take(byte);
  }

  void add(const CharacterCounts& more) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += more.counts_[i];
  }

  void remove(std::string_view utf8, Unit unit) {
    CharacterCounts fewer;
    fewer.add(utf8, unit);
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] -= fewer.counts_[i];
  }

  std::vector<Vocabulary::Character> seen() const {
    std::vector<Vocabulary::Character> characters;
    for (char32_t value = 0; value < counts_.size(); ++value) {
      if (counts_[value] > 0) characters.push_back({value, counts_[value]});
    }
    return characters;
  }

 private:
  // Four tables in turn: incrementing the same counter twice in a row would wait for the first store.
  void count_bytes(std::string_view bytes) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* const end = at + bytes.size();
    for (; end - at >= 4; at += 4) {
      for (size_t i = 0; i < 4; ++i) ++bytes_[i][at[i]];
    }
    for (; at < end; ++at) ++bytes_[0][*at];
  }
  uint64_t take(size_t byte) {
    uint64_t sum = 0;
    for (auto& table : bytes_) sum += std::exchange(table[byte], 0);
    return sum;
  }

  std::vector<uint64_t> counts_ = std::vector<uint64_t>(0x110000);  // by code point
  std::array<std::array<uint64_t, 256>, 4> bytes_{};
};

}  // namespace charrnn
