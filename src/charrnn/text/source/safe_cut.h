// Where a text may be cut so that its parts, cleaned separately and joined, equal the whole text cleaned: no
// stage of cleaning looks across such a place. So one file can be cleaned on many cores.
//   between two ASCII letters:                                    ...wo|rd...
//   after a line end, before something that cleaning keeps:       ...word.\n|Next...
//   between two ideographs, where nothing rewrites them:          ...漢|字...
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

class Transliteration;

class SafeCut {
 public:
  explicit SafeCut(const CorpusSettings& settings);
  ~SafeCut();

  // The last safe place before the text's end, 0 if it has none. The text may be malformed UTF-8.
  size_t last(std::string_view text) const;
  // Longer texts than this must have a safe place: a part is held in memory.
  static constexpr size_t kLongestPart = size_t{64} << 20;

 private:
  bool is_kept(int32_t character) const;
  bool may_be_composed(std::string_view text, size_t place) const;
  bool between_lines(std::string_view text, size_t place) const;

  bool keeps_ideographs_;
  bool letters_only_;
  bool drops_invisible_;
  bool collapses_blanks_;
  std::unique_ptr<Transliteration> transliteration_;  // if the text is transliterated
};

}  // namespace charrnn
