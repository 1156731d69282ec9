// The first pass over a corpus: counts characters, measures documents, looks for copies.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "charrnn/corpus/copy_finder.h"
#include "charrnn/corpus/corpus_text.h"
#include "charrnn/corpus/run_together.h"
#include "charrnn/corpus/source_info.h"
#include "charrnn/corpus/split_plan.h"
#include "charrnn/text/character_counts.h"

namespace charrnn {

struct CountedText {
  std::vector<SourceInfo> sources;
  size_t sources_read = 0;                // the others come after corpus.max_characters
  std::vector<DocumentLength> documents;  // of the sources, in the order of the text
  CharacterCounts characters;
  RunTogether run_together;
  std::optional<CopyFinder> finder;  // if copies are looked for
};

// Throws Error (kInput) if the lists of corpus.split do not match the documents.
CountedText count_text(const CorpusText& text);

}  // namespace charrnn
