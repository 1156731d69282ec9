// The blocks of all sources of a corpus, one source after the other: what both passes read.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/source_reader.h"
#include "charrnn/text/source/sources.h"

namespace charrnn {

// What a corpus is made of. The references must outlive it.
struct CorpusText {
  const std::vector<Source>& sources;
  const std::vector<Examined>& examined;  // those with a problem are left out
  const CorpusSettings& settings;
  const BuildOptions& options;
  int threads;
  size_t sources_read;  // of those, from the first: the others lie behind corpus.max_characters
};

class BlockReader {
 public:
  BlockReader(const CorpusText& text, BuildStage stage);

  // Stops for now before that source.
  void stop_before(size_t source) { stop_ = source; }

  // False at the end, or where it is to stop. Throws Error where a source has other bytes than when it was
  // examined.
  bool next(TextBlock& block);

 private:
  const CorpusText& text_;
  BuildProgress progress_;
  size_t source_ = 0;
  size_t stop_;
  std::optional<SourceReader> reader_;
  uint64_t finished_ = 0;
};

[[noreturn]] void fail_changed(const Source& source);

}  // namespace charrnn
