// Cleaning: what lies between a source's decoded text and the characters that a model sees. Each stage is a
// switch of the corpus settings and keeps count of what it took away or added.
//   invalid bytes -> line ends -> invisible characters -> normalisation -> transliteration -> lower case
//     -> letters only -> joined lines -> collapsed blanks
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "charrnn/config/settings.h"

namespace charrnn {

struct TextCheck;
class Transliteration;

// Characters before and after cleaning, and by what stage the number changed: decoded + all changes = kept.
struct CleaningCounts {
  uint64_t decoded = 0;  // characters of the source, malformed sequences not among them when they are dropped
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
  int64_t max_characters = 0;  // cut off behind all cleaning
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

// One a thread.
class Cleaner {
 public:
  explicit Cleaner(const CorpusSettings& settings);
  ~Cleaner();

  // Cleans a part of a text that begins and ends at safe places (safe_cut.h). Bytes in, valid UTF-8 out;
  // returns its characters. `origin` and `offset`, the place of the part in the source, are for messages.
  uint64_t clean(std::string& text, const std::string& origin, uint64_t offset, CleaningCounts& counts);

 private:
  uint64_t run_stages(std::string& text, const TextCheck& found, CleaningCounts& counts);

  const CorpusSettings settings_;
  std::unique_ptr<Transliteration> transliteration_;
};

// The stages that need no library, each by itself.
void unify_line_ends(std::string& text);
void keep_letters_only(std::string& text);  // d2l: re.sub('[^A-Za-z]+', ' ', line).strip().lower()
void join_lines(std::string& text, JoinLines how);
void collapse_blanks(std::string& text);

}  // namespace charrnn
