// The clean text of a corpus, block by block: read, cleaned on all cores, cut at corpus.max_characters. Used
// by both passes over a corpus, and for its targets.
#pragma once

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <cstddef>

#include "charrnn/core/ordered_pipeline.h"
#include "charrnn/corpus/block_reader.h"
#include "charrnn/corpus/corpus_text.h"
#include "charrnn/corpus/text_cut.h"
#include "charrnn/text/document_cleaner.h"

namespace charrnn {

class CleanBlocks {
 public:
  // `text` must outlive it.
  CleanBlocks(const CorpusText& text, BuildStage stage)
      : text_(text), reader_(text, stage), cut_(text.settings) {}

  TextCut& cut() { return cut_; }

  // The blocks before source `end`, from where the last call stopped. A Block has a member `clean`, a
  // CleanBlock. void prepare(Block&) works on a clean block, on any thread; it is called again if the block
  // is cut. void place(Block&) is called for one block after another in the order of the text, then void
  // finish(Block&) on any thread.
  template <class Block, class Prepare, class Place, class Finish>
  void for_each_clean_block(size_t end, Prepare prepare, Place place, Finish finish) {
    reader_.stop_before(end);
    run_ordered_pipeline<Block>(
        text_.threads, [&](Block& block) { return reader_.next(block.clean.block); },
        [&](Block& block) {
          cleaners_.local().clean(block.clean, text_.sources[block.clean.block.source]);
          prepare(block);
        },
        [&](Block& block) {
          if (cut_.cut(block.clean)) prepare(block);
          place(block);
        },
        finish);
  }

 private:
  const CorpusText& text_;
  BlockReader reader_;
  TextCut cut_;
  oneapi::tbb::enumerable_thread_specific<DocumentCleaner> cleaners_{
      [this] { return DocumentCleaner(text_.settings); }};
};

}  // namespace charrnn
