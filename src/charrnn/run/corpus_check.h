// Checks whether a config fits its corpus, before anything large is allocated.
#pragma once

#include "charrnn/config/settings.h"
#include "charrnn/data/corpus_folder.h"

namespace charrnn {

// `settings` have the cleaning recipe of the corpus (with_recipe_of). Throws Error (kInput) if a prefix
// has characters that the vocabulary lacks, or if settings need a validation split that the corpus lacks.
void check_against_corpus(const Settings& settings, const CorpusFolder& corpus);

}  // namespace charrnn
