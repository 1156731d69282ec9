// corpus.max_characters: keeps the first characters of a text, up to that number, and removes the rest from
// the blocks in which the text arrives. Without that setting it keeps all.
#pragma once

#include <cstdint>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/clean_block.h"

namespace charrnn {

class TextCut {
 public:
  explicit TextCut(const CorpusSettings& settings);

  // Cuts the next block. Afterwards text, parts and counts are those of what is kept; a document that would
  // begin after the cut has no part. True if something was removed.
  bool cut(CleanBlock& clean);
  // Corrects the count: `units` of what was kept are left out later, so that many more will be kept.
  void give_back(uint64_t units) { left_ += units; }
  bool is_full() const { return left_ == 0; }

 private:
  const CorpusSettings& settings_;
  uint64_t left_;  // characters, or bytes with Unit::kByte
};

}  // namespace charrnn
