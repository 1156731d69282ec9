// Examines the sources before anything is counted: whether each is text, its charset, and which parts of it
// are Project Gutenberg's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/source/source.h"
#include "charrnn/text/source/source_reader.h"

namespace charrnn {

struct Examined {
  SourceFacts facts;
  std::string hash;     // of the file's bytes; empty if it cannot be read to its end
  std::string problem;  // why the source cannot be used, as a message; empty: it can be used
};

// `progress` is called with the bytes read so far.
std::vector<Examined> examine(const std::vector<Source>& sources, const CorpusSettings& settings, int threads,
                              const std::function<void(uint64_t)>& progress);

}  // namespace charrnn
