// How often each character occurs: what a vocabulary is made from.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace charrnn {

class CharacterCounts {
 public:
  void add(std::u32string_view units) {
    for (const char32_t unit : units) ++counts_[unit];
  }

  std::vector<Vocabulary::Character> seen() const {
    std::vector<Vocabulary::Character> characters;
    for (char32_t value = 0; value < counts_.size(); ++value) {
      if (counts_[value] > 0) characters.push_back({value, counts_[value]});
    }
    return characters;
  }

 private:
  std::vector<uint64_t> counts_ = std::vector<uint64_t>(0x110000);  // by code point
};

}  // namespace charrnn
