// A prefix, which a model continues, must look as the text that it was trained on: the same stages clean it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

struct CleanPrefix {
  std::string text;
  std::vector<std::string> changed_by;  // names of the settings of corpus that changed it; empty: none did
};

// A prefix ends in the middle of a line, so a blank at its end stays where cleaning would have one before the
// next letter. Throws Error (exit code 2) at invalid UTF-8.
CleanPrefix clean_prefix(std::string_view prefix, const CorpusSettings& recipe);

// Characters of the vocabulary that could be meant by `missing`, which it lacks: the other case, composed
// with the character before it (0 if there is none), without its accent, or the one that looks alike.
std::vector<char32_t> similar_characters(const Vocabulary& vocabulary, char32_t before, char32_t missing);

}  // namespace charrnn
