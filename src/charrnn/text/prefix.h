// A prefix, which a model continues, must look like the text on which the model was trained: the same stages
// clean it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

struct CleanPrefix {
  std::string text;
  std::vector<std::string> changed_by;  // the settings of corpus that changed it; empty: it is unchanged
};

// A prefix ends in the middle of a line, so a blank at its end is kept if cleaning would keep one before the
// next letter. Throws Error (kInput) at invalid UTF-8.
CleanPrefix clean_prefix(std::string_view prefix, const CorpusSettings& recipe);

}  // namespace charrnn
