// A stage of cleaning: Unicode normalisation (Unicode Standard Annex 15), by ICU. ASCII needs no
// normalisation, and text that already has the form is only checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

// The result of one check of a text that may be malformed UTF-8.
struct TextCheck {
  bool valid = true;  // false: the other fields have no meaning
  bool plain = true;  // no character can change, whatever its neighbours: the text is normalised
  uint64_t characters = 0;
};
TextCheck check_text(std::string_view text, Normalization form);

// Valid UTF-8 in and out. Throws (kInput) at a run of combining marks too long for text.
void normalize(std::string& utf8, Normalization form);

// "ICU 72.1, Unicode 15.0": cleaned text may differ between versions.
std::string unicode_library();

}  // namespace charrnn
