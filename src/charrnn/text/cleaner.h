// Cleaning turns a source's decoded text into the characters that a model sees. Each stage is a setting of
// corpus, and counts the characters that it removed or added.
//   invalid bytes -> line ends -> invisible characters -> normalisation -> transliteration -> lower case
//     -> letters only -> joined lines -> collapsed blanks
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/cleaning_counts.h"

namespace charrnn {

struct TextCheck;
class Transliteration;

// Not shared by threads: each has its own.
class Cleaner {
 public:
  explicit Cleaner(const CorpusSettings& settings);
  ~Cleaner();

  // Cleans a part of a text that begins and ends at safe places (safe_cut.h). Bytes in, valid UTF-8 out;
  // returns the number of characters. `origin` and `offset`, the part's place in the source, are for
  // messages.
  uint64_t clean(std::string& text, const std::string& origin, uint64_t offset, CleaningCounts& counts);

 private:
  uint64_t run_stages(std::string& text, const TextCheck& found, CleaningCounts& counts);

  const CorpusSettings settings_;
  std::unique_ptr<Transliteration> transliteration_;
};

// The stages that need no library.
void unify_line_ends(std::string& text);
void keep_letters_only(std::string& text);  // d2l: re.sub('[^A-Za-z]+', ' ', line).strip().lower()
void join_lines(std::string& text, JoinLines how);
void collapse_blanks(std::string& text);

}  // namespace charrnn
