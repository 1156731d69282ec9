// corpus.vocabulary.from: a vocabulary.json, or a corpus or run that has one.
#pragma once

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// Throws Error (kInput) if the file does not exist, or was made with another unit or normalization.
Vocabulary read_given_vocabulary(const CorpusSettings& settings);

}  // namespace charrnn
