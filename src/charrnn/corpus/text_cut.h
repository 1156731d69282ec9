// corpus.max_characters: keeps the first characters of a text that comes block by block, up to that number,
// and takes the rest out of the blocks. Without that setting it keeps all.
#pragma once

#include <cstdint>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/clean_block.h"

namespace charrnn {

class TextCut {
 public:
  explicit TextCut(const CorpusSettings& settings);

  // The next block. Text, parts and counts are afterwards those of what is kept; a document that would begin
  // after the cut has no part. True if something was taken away.
  bool cut(CleanBlock& clean);
  // `units` of what was kept do not count after all: as many more will be kept.
  void give_back(uint64_t units) { left_ += units; }
  bool is_full() const { return left_ == 0; }

 private:
  const CorpusSettings& settings_;
  uint64_t left_;  // characters, or bytes with Unit::kByte
};

}  // namespace charrnn
