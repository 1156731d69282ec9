// Whether a config fits its corpus, before anything large is made.
#pragma once

#include "charrnn/config/settings.h"
#include "charrnn/data/corpus_folder.h"

namespace charrnn {

// `settings` with the cleaning recipe of the corpus (with_recipe_of). Throws Error (exit code 2): a prefix
// that the vocabulary cannot read, or settings that need a validation split if the corpus has none.
void check_against_corpus(const Settings& settings, const CorpusFolder& corpus);

}  // namespace charrnn
