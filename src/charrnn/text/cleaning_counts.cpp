#include "charrnn/text/cleaning_counts.h"

namespace charrnn {

void CleaningCounts::add(const CleaningCounts& more) {
  decoded += more.decoded;
  invalid += more.invalid;
  gutenberg += more.gutenberg;
  line_ends += more.line_ends;
  invisible_characters += more.invisible_characters;
  normalization += more.normalization;
  transliterate += more.transliterate;
  lower_case += more.lower_case;
  letters_only += more.letters_only;
  join_lines += more.join_lines;
  collapse_blanks += more.collapse_blanks;
  max_characters += more.max_characters;
  kept += more.kept;
}

}  // namespace charrnn
