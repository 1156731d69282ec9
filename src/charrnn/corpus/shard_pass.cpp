#include "charrnn/corpus/shard_pass.h"

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <span>
#include <string_view>

#include "charrnn/corpus/block_reader.h"
#include "charrnn/corpus/clean_blocks.h"
#include "charrnn/corpus/entropy_counter.h"
#include "charrnn/corpus/id_table.h"
#include "charrnn/corpus/split_writer.h"
#include "charrnn/data/shard.h"
#include "charrnn/text/clean_block.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

template <class Id>
struct IdBlock {
  CleanBlock clean;
  std::vector<Id> ids;
  bool all_seen = true;  // false: one of its characters did not occur in the first pass
  struct Run {           // of ids that went to train
    std::span<const Id> ids;
    std::span<const Id> targets;     // aligned ones
    std::optional<uint32_t> before;  // the id that comes before them in train
  };
  std::vector<Run> train;
};

// Passes each character, in the order of the text, to its split in the plan.
template <class Id>
class Placing {
 public:
  // `targets`: of the whole text; empty if the corpus has no aligned ones.
  Placing(const CorpusText& text, std::span<const Id> targets, const SplitPlan& plan,
          const Vocabulary& vocabulary, const std::filesystem::path& folder)
      : text_(text),
        has_targets_(!targets.empty()),
        targets_(targets),
        plan_(plan),
        left_(plan.pieces.front().characters) {
    for (const SplitPlan::Split& split : plan.splits) {
      splits_.emplace_back(folder, split, vocabulary, static_cast<uint64_t>(text.settings.shard_size),
                           has_targets_);
    }
  }

  void place(IdBlock<Id>& block) {
    const Source& source = text_.sources[block.clean.block.source];
    if (!block.all_seen) fail_changed(source);
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
        append(block, split, ids.first(count), bytes);
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
  void append(IdBlock<Id>& block, size_t split, std::span<const Id> ids, size_t utf8_bytes) {
    const std::span<const Id> targets = targets_.first(has_targets_ ? ids.size() : 0);
    targets_ = targets_.subspan(targets.size());
    splits_[split].append(std::as_bytes(ids), std::as_bytes(targets), utf8_bytes);
    if (split != 0) return;
    block.train.push_back({ids, targets, before_});
    before_ = ids.back();
  }

  // The split of the next character.
  size_t next_split(const Source& source) {
    if (left_ == 0) {
      if (++piece_ == plan_.pieces.size()) fail_changed(source);
      left_ = plan_.pieces[piece_].characters;
    }
    return plan_.pieces[piece_].split;
  }

  const CorpusText& text_;
  const bool has_targets_;
  std::span<const Id> targets_;  // of the characters that follow
  const SplitPlan& plan_;
  std::deque<SplitWriter> splits_;
  size_t piece_ = 0;
  uint64_t left_;                   // characters, in this piece
  std::optional<uint32_t> before_;  // the last id of train
};

template <class Id>
void count_pairs(const IdBlock<Id>& block, EntropyCounter& entropy) {
  for (const auto& run : block.train) {
    if (run.targets.empty()) {
      entropy.add(run.ids, run.before);
    } else {
      entropy.add_aligned(run.ids, run.targets);
    }
  }
}

template <class Id>
WrittenShards write(const CorpusText& text, const TargetText* targets, const SplitPlan& plan,
                    const Vocabulary& vocabulary, const std::vector<Vocabulary::Character>& seen,
                    const std::filesystem::path& folder) {
  const IdTable table(vocabulary, seen);
  const Unit unit = text.settings.unit;
  std::vector<Id> target_ids;
  if (targets != nullptr) table.look_up(targets->utf8, unit, target_ids);
  oneapi::tbb::enumerable_thread_specific<EntropyCounter> entropies(
      [&] { return EntropyCounter(vocabulary.size()); });
  Placing<Id> placing(text, target_ids, plan, vocabulary, folder);
  CleanBlocks(text, BuildStage::kWriting)
      .for_each_clean_block<IdBlock<Id>>(
          text.sources_read,
          [&](IdBlock<Id>& block) {
            block.all_seen = table.look_up(block.clean.block.text, unit, block.ids);
          },
          [&](IdBlock<Id>& block) { placing.place(block); },
          [&](IdBlock<Id>& block) { count_pairs(block, entropies.local()); });
  WrittenShards written{placing.finish(), {}};
  EntropyCounter entropy(vocabulary.size());
  for (const EntropyCounter& some : entropies) entropy.add(some);
  written.baselines = entropy.baselines();
  return written;
}

}  // namespace

WrittenShards write_shards(const CorpusText& text, const TargetText* targets, const SplitPlan& plan,
                           const Vocabulary& vocabulary, const std::vector<Vocabulary::Character>& seen,
                           const std::filesystem::path& folder) {
  switch (id_bytes_for(vocabulary.size())) {
    case 1:
      return write<uint8_t>(text, targets, plan, vocabulary, seen, folder);
    case 2:
      return write<uint16_t>(text, targets, plan, vocabulary, seen, folder);
    default:
      return write<uint32_t>(text, targets, plan, vocabulary, seen, folder);
  }
}

}  // namespace charrnn
