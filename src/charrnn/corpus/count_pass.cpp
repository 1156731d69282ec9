#include "charrnn/corpus/count_pass.h"

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <string>

#include "charrnn/core/hash.h"
#include "charrnn/corpus/clean_blocks.h"
#include "charrnn/corpus/split_lists.h"
#include "charrnn/text/clean_block.h"

namespace charrnn {
namespace {

struct CountedBlock {
  CleanBlock clean;
  BlockPrints prints;  // if copies are looked for
};

// A single text has no copies, and without held-out text copies do no harm.
bool looks_for_copies(const CorpusText& text) {
  const SplitSettings& split = text.settings.split;
  const bool holds_out = split.by == SplitBy::kList || split.valid > 0 || split.test > 0;
  const bool single = text.sources.size() == 1 && text.sources.front().format == SourceFormat::kText;
  return split.copies != Copies::kIgnore && holds_out && !single;
}

class CountPass {
 public:
  explicit CountPass(const CorpusText& text)
      : text_(text), lists_(text.settings.split), blocks_(text, BuildStage::kCounting) {
    for (size_t s = 0; s < text.sources.size(); ++s)
      counted_.sources.push_back(source_info(text.sources[s], text.examined[s]));
    if (looks_for_copies(text)) counted_.finder.emplace();
  }

  CountedText run() {
    if (text_.settings.max_characters) {
      read_until_full();
    } else {
      read_up_to(text_.sources.size());
    }
    lists_.refuse_unused();
    for (const CharacterCounts& some : counts_) counted_.characters.add(some);
    return std::move(counted_);
  }

 private:
  void read_up_to(size_t source) {
    std::optional<CopyFinder>& finder = counted_.finder;
    blocks_.for_each_clean_block<CountedBlock>(
        source,
        [&](CountedBlock& block) {
          if (finder) block.prints.make(block.clean);
        },
        [&](CountedBlock& block) {
          note(block.clean);
          if (finder) finder->add(block.clean, block.prints);
        },
        [&](CountedBlock& block) { counts_.local().add(block.clean.block.text, text_.settings.unit); });
    counted_.sources_read = source;
  }

  // Source by source up to the cut, so that what is read, reported and refused does not depend on how far
  // threads read ahead.
  void read_until_full() {
    size_t source = 0;
    while (source < text_.sources.size() && !blocks_.cut().is_full()) {
      const size_t first_document = counted_.documents.size();
      read_up_to(++source);
      if (counted_.sources[source - 1].counts.kept > 0) continue;
      // The source will be left out, with the ends of its documents.
      for (size_t d = first_document; d < counted_.documents.size(); ++d)
        blocks_.cut().give_back(counted_.documents[d].characters);
    }
    for (; source < text_.sources.size(); ++source) counted_.sources[source].behind_cut = true;
  }

  // Lengths and counts of a block, in the order of the text.
  void note(const CleanBlock& clean) {
    SourceInfo& info = counted_.sources[clean.block.source];
    for (const DocumentPart& part : clean.parts) {
      if (part.begins) {
        const std::string name = document_name(info.name, part.line);
        counted_.documents.push_back({hash_number(name), 0, lists_.split_of(name), part.line});
      }
      counted_.documents.back().characters += part.units;
    }
    info.note(clean);
    if (text_.settings.join_lines != JoinLines::kNothing) counted_.run_together.note(clean, info.name);
  }

  const CorpusText& text_;
  SplitLists lists_;
  CleanBlocks blocks_;
  CountedText counted_;
  oneapi::tbb::enumerable_thread_specific<CharacterCounts> counts_;
};

}  // namespace

CountedText count_text(const CorpusText& text) {
  return CountPass(text).run();
}

}  // namespace charrnn
