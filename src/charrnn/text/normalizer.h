// A stage of cleaning: Unicode normalisation (Unicode Standard Annex 15), by ICU. ASCII is normalised as it
// is, and text that is in the form already is only checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

// One look at a text that may be malformed UTF-8.
struct TextCheck {
  bool valid = true;  // else the rest says nothing
  bool plain = true;  // every character stays as it is, whatever its neighbours: normalised for certain
  uint64_t characters = 0;
};
TextCheck check_text(std::string_view text, Normalization form);

// Valid UTF-8 in and out. Throws (exit code 2) at a run of combining marks too long for text.
void normalize(std::string& utf8, Normalization form);

// "ICU 72.1, Unicode 15.0": cleaned text may change with it.
std::string unicode_library();

}  // namespace charrnn
