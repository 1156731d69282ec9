#include "data/shard_pass.h"

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <span>
#include <string_view>

#include "core/ordered_pipeline.h"
#include "data/entropy.h"
#include "data/id_table.h"
#include "data/shard.h"
#include "data/split_writer.h"
#include "text/document_cleaner.h"
#include "text/utf8.h"

namespace charrnn {
namespace {

template <class Id>
struct IdBlock {
  CleanBlock clean;
  std::vector<Id> ids;
  struct Run {  // of ids that went to train
    size_t begin, count;
    std::optional<uint32_t> before;  // the id that comes before them in train
  };
  std::vector<Run> train;
};

// Bytes of the first `units` of valid UTF-8.
size_t bytes_of(std::string_view utf8, uint64_t units, Unit unit) {
  if (unit == Unit::kByte) return units;
  const char* at = utf8.data();
  for (; units > 0; --units) next_character(at);
  return static_cast<size_t>(at - utf8.data());
}

// Hands each character, in the order of the text, to the split that the plan says.
template <class Id>
class Placing {
 public:
  Placing(const CorpusText& text, const SplitPlan& plan, const Vocabulary& vocabulary,
          const std::filesystem::path& folder)
      : text_(text), plan_(plan), left_(plan.pieces.front().characters) {
    for (const SplitPlan::Split& split : plan.splits) {
      splits_.emplace_back(folder, split, vocabulary, static_cast<uint64_t>(text.settings.shard_size));
    }
  }

  void place(IdBlock<Id>& block) {
    const Source& source = text_.sources[block.clean.block.source];
    std::string_view utf8 = block.clean.block.text;
    std::span<const Id> ids(block.ids);
    block.train.clear();
    for (const DocumentPart& part : block.clean.parts) {
      if (part.begins && part.units > 0) splits_[next_split(source)].start_document();
      uint64_t units = part.units;
      size_t bytes_left = part.bytes;
      while (units > 0) {
        const size_t split = next_split(source);
        const uint64_t count = std::min(units, left_);
        const size_t bytes = count == units ? bytes_left : bytes_of(utf8, count, text_.settings.unit);
        splits_[split].append(std::as_bytes(ids.first(count)), bytes);
        if (split == 0) {
          block.train.push_back({block.ids.size() - ids.size(), count, before_});
          before_ = ids[count - 1];
        }
        ids = ids.subspan(count);
        utf8.remove_prefix(bytes);
        bytes_left -= bytes;
        units -= count;
        left_ -= count;
      }
    }
  }

  std::vector<SplitInfo> finish() {
    std::vector<SplitInfo> infos;
    for (SplitWriter& split : splits_) infos.push_back(split.finish());
    return infos;
  }

 private:
  // Where the next character goes.
  size_t next_split(const Source& source) {
    if (left_ == 0) {
      if (++piece_ == plan_.pieces.size()) fail_changed(source);
      left_ = plan_.pieces[piece_].characters;
    }
    return plan_.pieces[piece_].split;
  }

  const CorpusText& text_;
  const SplitPlan& plan_;
  std::deque<SplitWriter> splits_;
  size_t piece_ = 0;
  uint64_t left_;                   // characters, in this piece
  std::optional<uint32_t> before_;  // the last id of train
};

template <class Id>
WrittenShards write(const CorpusText& text, const SplitPlan& plan, const Vocabulary& vocabulary,
                    const std::vector<Vocabulary::Character>& seen, const std::filesystem::path& folder) {
  const IdTable table(vocabulary, seen);
  tbb::enumerable_thread_specific<EntropyCounter> entropies(
      [&] { return EntropyCounter(vocabulary.size()); });
  tbb::enumerable_thread_specific<DocumentCleaner> cleaners([&] { return DocumentCleaner(text.settings); });
  BlockReader reader(text, BuildStage::kWriting);
  Placing<Id> placing(text, plan, vocabulary, folder);
  run_ordered_pipeline<IdBlock<Id>>(
      text.threads, [&](IdBlock<Id>& block) { return reader.next(block.clean.block); },
      [&](IdBlock<Id>& block) {
        const Source& source = text.sources[block.clean.block.source];
        cleaners.local().clean(block.clean, source);
        if (!table.look_up(block.clean.block.text, text.settings.unit, block.ids)) fail_changed(source);
      },
      [&](IdBlock<Id>& block) { placing.place(block); },
      [&](IdBlock<Id>& block) {
        const std::span<const Id> ids(block.ids);
        for (const auto& run : block.train) {
          entropies.local().add(ids.subspan(run.begin, run.count), run.before);
        }
      });
  WrittenShards written{placing.finish(), {}};
  EntropyCounter entropy(vocabulary.size());
  for (const EntropyCounter& some : entropies) entropy.add(some);
  written.marks = entropy.marks();
  return written;
}

}  // namespace

WrittenShards write_shards(const CorpusText& text, const SplitPlan& plan, const Vocabulary& vocabulary,
                           const std::vector<Vocabulary::Character>& seen,
                           const std::filesystem::path& folder) {
  switch (id_bytes_for(vocabulary.size())) {
    case 1:
      return write<uint8_t>(text, plan, vocabulary, seen, folder);
    case 2:
      return write<uint16_t>(text, plan, vocabulary, seen, folder);
    default:
      return write<uint32_t>(text, plan, vocabulary, seen, folder);
  }
}

}  // namespace charrnn
