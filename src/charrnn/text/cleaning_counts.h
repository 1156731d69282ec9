// Characters before and after cleaning, and the change by each stage: decoded + all changes = kept.
#pragma once

#include <cstdint>

namespace charrnn {

struct CleaningCounts {
  uint64_t decoded = 0;  // characters of the source, without malformed sequences that are dropped
  uint64_t invalid = 0;  // malformed sequences, replaced or dropped
  int64_t gutenberg = 0;
  int64_t line_ends = 0;
  int64_t invisible_characters = 0;
  int64_t normalization = 0;
  int64_t transliterate = 0;
  int64_t lower_case = 0;
  int64_t letters_only = 0;
  int64_t join_lines = 0;
  int64_t collapse_blanks = 0;
  int64_t max_characters = 0;  // cut off after all cleaning
  uint64_t kept = 0;

  // Calls visit(name of the setting, change) for each stage, in their order.
  template <class Self, class Visit>
  static void visit_changes(Self& self, Visit visit) {
    visit("gutenberg", self.gutenberg);
    visit("line_ends", self.line_ends);
    visit("invisible_characters", self.invisible_characters);
    visit("normalization", self.normalization);
    visit("transliterate", self.transliterate);
    visit("lower_case", self.lower_case);
    visit("letters_only", self.letters_only);
    visit("join_lines", self.join_lines);
    visit("collapse_blanks", self.collapse_blanks);
    visit("max_characters", self.max_characters);
  }
  void add(const CleaningCounts& more);
};

}  // namespace charrnn
