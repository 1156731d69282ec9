// Reads the blocks of all sources of a corpus, one source after the other, for both passes over it.
#pragma once

#include <cstdint>
#include <optional>

#include "charrnn/corpus/build_options.h"
#include "charrnn/corpus/corpus_text.h"
#include "charrnn/text/source/source_reader.h"
#include "charrnn/text/source/text_block.h"

namespace charrnn {

class BlockReader {
 public:
  BlockReader(const CorpusText& text, BuildStage stage);

  // next() returns false before that source, until a later call moves the stop.
  void stop_before(size_t source) { stop_ = source; }

  // False at the end, or before the source of stop_before(). Throws Error if the bytes of a source have
  // changed since it was examined.
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
