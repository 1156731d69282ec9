// The text of a corpus: its sources, what examining them found, and how they are read. The referenced objects
// must outlive it.
#pragma once

#include <cstddef>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/corpus/build_options.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/source.h"

namespace charrnn {

struct CorpusText {
  const std::vector<Source>& sources;
  const std::vector<Examined>& examined;  // those with a problem are left out
  const CorpusSettings& settings;
  const BuildOptions& options;
  int threads;
  size_t sources_read;  // how many, from the first: the others come after corpus.max_characters
};

}  // namespace charrnn
