#include "charrnn/corpus/corpus_builder.h"

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/core/log.h"
#include "charrnn/core/ordered_pipeline.h"
#include "charrnn/corpus/block_reader.h"
#include "charrnn/corpus/copies.h"
#include "charrnn/corpus/given_vocabulary.h"
#include "charrnn/corpus/manifest.h"
#include "charrnn/corpus/output_folder.h"
#include "charrnn/corpus/shard_pass.h"
#include "charrnn/corpus/split_plan.h"
#include "charrnn/corpus/target_text.h"
#include "charrnn/corpus/text_cut.h"
#include "charrnn/text/character_counts.h"
#include "charrnn/text/document_cleaner.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/sources.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr int kMostThreads = 16;  // more do not help: reading and writing are one thread's work each
constexpr size_t kUnknownShown = 20;
constexpr size_t kProblemsShown = 10;

// A block of the first pass.
struct CountedBlock {
  CleanBlock clean;
  BlockPrints prints;  // where copies are looked for
};

int thread_count(int wanted) {
  if (wanted > 0) return wanted;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
}

class CorpusBuild {
 public:
  CorpusBuild(const CorpusSettings& settings, const BuildOptions& options)
      : settings_(settings), options_(options), threads_(thread_count(options.threads)) {
    expand_lists(settings_.split);
    if (settings.output.empty())
      fail_usage("corpus.output is empty: expected the folder to write the corpus to");
    if (count_characters(settings.document_end) > 1)
      fail_usage("corpus.document_end is ", count_characters(settings.document_end),
                 " characters long: expected one, such as \"\\n\" in double quotes, or none");
  }

  BuildSummary run() {
    const Clock::time_point start = Clock::now();
    OutputFolder output = open_output();
    FoundSources found = find_sources(settings_, output.temporary(), options_.run_output);
    sources_ = std::move(found.sources);
    problems_ = std::move(found.problems);
    summary_.own_files = std::move(found.own_files);
    if (!settings_.targets.empty()) target_source_ = find_target_source(settings_, output.temporary());
    for (const Source& source : sources_) summary_.bytes += source.bytes;
    if (!settings_.vocabulary.from.empty()) given_vocabulary_ = read_given_vocabulary(settings_);
    if (!options_.force && is_up_to_date()) {
      summary_.up_to_date = true;
    } else {
      tell_what_differs();
      examined_ = examine(sources_, settings_, threads_, [&](uint64_t bytes) {
        options_.progress({BuildStage::kExamining, bytes, summary_.bytes});
      });
      leave_out_unusable();
      sources_read_ = sources_.size();
      count();
      plan();
      write(output);
      remove_spooled(output.temporary());
      output.commit();
    }
    summary_.seconds = seconds_since(start);
    return summary_;
  }

 private:
  OutputFolder open_output() const {
    try {
      return OutputFolder(settings_.output);
    } catch (const fs::filesystem_error& problem) {
      fail_usage("corpus.output ", settings_.output, " cannot be used: ", problem.code().message(),
                 ": set corpus.output to another place");
    }
  }

  CorpusText text() const { return {sources_, examined_, settings_, options_, threads_, sources_read_}; }

  // The corpus that is there was made of the same sources, by these settings.
  bool is_up_to_date() {
    std::vector<SourceState> states;
    for (const Source& source : sources_) states.push_back({source.name, source.bytes});
    for (const SourceProblem& problem : problems_) states.push_back({problem.name, 0});
    std::vector<Source> files = sources_;
    std::optional<SourceState> targets;
    if (target_source_) {
      files.push_back(*target_source_);
      targets = {target_source_->name, target_source_->bytes};
    }
    const auto hashes = hashes_if_same(settings_.output, settings_, states, targets);
    if (!hashes) return false;
    try {
      const CorpusFolder corpus = CorpusFolder::open(settings_.output);
      corpus.verify();
      if (given_vocabulary_ && corpus.vocabulary().hash() != given_vocabulary_->hash()) return false;
    } catch (const Error& damage) {
      log::warning(concat("making ", settings_.output, " anew: ", damage.what()));
      return false;
    }
    std::atomic<bool> same = true;
    std::mutex one_at_a_time;
    BuildProgress progress{BuildStage::kComparing, 0, 0};
    for (const Source& file : files) progress.bytes_total += file.bytes;
    run_side_by_side(threads_, files.size(), [&](size_t f) {
      if (same && hash_of(files[f]) != (*hashes)[f]) same = false;
      const std::lock_guard lock(one_at_a_time);
      progress.bytes_done += files[f].bytes;
      options_.progress(progress);
    });
    return same;
  }

  // An older corpus is replaced: says by which settings, for runs that were trained on it.
  void tell_what_differs() const {
    const std::string names = settings_that_differ(settings_.output, settings_);
    if (!names.empty()) {
      log::info(concat("making ", settings_.output, " anew: it was made with other values of ", names));
    }
  }

  // Empty where it cannot be read.
  static std::string hash_of(const Source& source) {
    if (!source.hash.empty()) return source.hash;
    try {
      return hash_of_file(source.file);
    } catch (const Error&) {
      return "";
    }
  }

  // Ends the run where there are problems and corpus.on_error says so.
  void stop_at(const std::vector<SourceProblem>& problems) const {
    if (problems.empty() || settings_.on_error == OnError::kSkip) return;
    std::string text;
    for (size_t i = 0; i < std::min(problems.size(), kProblemsShown); ++i) {
      const bool named = problems[i].reason.find(problems[i].name) != std::string::npos;
      text += concat(i == 0 ? "" : "\n", named ? "" : problems[i].name + " ", problems[i].reason);
    }
    if (problems.size() > kProblemsShown)
      text += concat("\n... and ", problems.size() - kProblemsShown, " more");
    fail_usage(text, problems.size() == 1 ? "\n(or leave it out, with corpus.on_error: skip)"
                                          : "\n(or leave them out, with corpus.on_error: skip)");
  }

  void leave_out_unusable() {
    std::vector<SourceProblem> unusable = problems_;
    for (size_t s = 0; s < sources_.size(); ++s) {
      if (!examined_[s].problem.empty()) unusable.push_back({sources_[s].name, examined_[s].problem});
    }
    stop_at(unusable);
    for (size_t s = 0; s < sources_.size(); ++s) infos_.push_back(source_info(sources_[s], examined_[s]));
  }

  // The first pass.
  void count() {
    SplitLists lists(settings_.split);
    if (looks_for_copies()) finder_.emplace();
    tbb::enumerable_thread_specific<CharacterCounts> counts;
    tbb::enumerable_thread_specific<DocumentCleaner> cleaners([&] { return DocumentCleaner(settings_); });
    const CorpusText all_text = text();
    BlockReader reader(all_text, BuildStage::kCounting);
    TextCut cut(settings_);
    const auto read_up_to = [&](size_t source) {
      reader.stop_before(source);
      run_ordered_pipeline<CountedBlock>(
          threads_, [&](CountedBlock& block) { return reader.next(block.clean.block); },
          [&](CountedBlock& block) {
            cleaners.local().clean(block.clean, sources_[block.clean.block.source]);
            if (finder_) block.prints.make(block.clean);
          },
          [&](CountedBlock& block) {
            if (cut.cut(block.clean) && finder_) block.prints.make(block.clean);
            note(block.clean, lists);
            if (finder_) finder_->add(block.clean, block.prints);
          },
          [&](CountedBlock& block) { counts.local().add(block.clean.block.text, settings_.unit); });
    };
    if (settings_.max_characters) {
      read_until_full(cut, read_up_to);
    } else {
      read_up_to(sources_.size());
    }
    lists.refuse_unused();

    CharacterCounts all;
    for (const CharacterCounts& some : counts) all.add(some);
    leave_out_empty(all);
    for (const DocumentLength& document : documents_) summary_.characters += document.characters;
    summary_.documents = documents_.size();
    if (summary_.characters == 0) fail_empty();
    if (target_source_) read_targets(all);
    seen_ = all.seen();
  }

  // Source by source, and none behind the cut: so what is read, reported and refused does not depend on how
  // far threads read ahead.
  template <class Read>
  void read_until_full(TextCut& cut, const Read& read_up_to) {
    size_t source = 0;
    while (source < sources_.size() && !cut.is_full()) {
      const size_t first_document = documents_.size();
      read_up_to(++source);
      if (infos_[source - 1].counts.kept > 0) continue;
      // It will be left out, with the ends of its documents.
      for (size_t d = first_document; d < documents_.size(); ++d) cut.give_back(documents_[d].characters);
    }
    for (sources_read_ = source; source < sources_.size(); ++source) infos_[source].behind_cut = true;
  }

  void read_targets(CharacterCounts& counts) {
    targets_ = read_target_text(*target_source_, settings_, options_, threads_, counts);
    if (targets_->length == summary_.characters) return;
    fail_usage("corpus.targets ", settings_.targets, " has ", targets_->length,
               settings_.unit == Unit::kByte ? " bytes" : " characters", " after cleaning",
               settings_.document_end.empty() ? "" : " (corpus.document_end included)", ", the corpus of ",
               sources_.front().file.string(),
               sources_.size() > 1 ? concat(" and ", sources_.size() - 1, " more") : std::string(), " has ",
               summary_.characters,
               ": expected one target for each: correct corpus.targets, or the settings ", "that clean both");
  }

  // Lengths and counts of a block of the first pass, in the order of the text.
  void note(const CleanBlock& clean, SplitLists& lists) {
    SourceInfo& info = infos_[clean.block.source];
    for (const DocumentPart& part : clean.parts) {
      if (part.begins) {
        const std::string name = document_name(info.name, part.line);
        documents_.push_back({hash_number(name), 0, lists.split_of(name), part.line});
      }
      documents_.back().characters += part.units;
    }
    info.note(clean);
    if (settings_.join_lines != JoinLines::kNothing) run_together_.note(clean, info.name);
  }

  // A single text has no copies, and with nothing held out they do no harm.
  bool looks_for_copies() const {
    const SplitSettings& split = settings_.split;
    const bool holds_out = split.by == SplitBy::kList || split.valid > 0 || split.test > 0;
    const bool single = sources_.size() == 1 && sources_.front().format == SourceFormat::kText;
    return split.copies != Copies::kIgnore && holds_out && !single;
  }

  void plan() {
    if (finder_) groups_ = finder_->groups(documents_, threads_);
    const bool together = settings_.split.copies == Copies::kTogether;
    plan_.emplace(plan_splits(documents_, settings_.split, together ? groups_ : std::vector<uint32_t>()));
  }

  std::string name_of(size_t document) const {
    size_t source = 0;
    for (size_t first = 0; document >= first + infos_[source].documents; ++source) {
      first += infos_[source].documents;
    }
    return document_name(infos_[source].name, documents_[document].line);
  }

  void leave_out_empty(CharacterCounts& counts) {
    std::vector<SourceProblem> empty;
    size_t document = 0;
    for (size_t s = 0; s < sources_read_; ++s) {
      const size_t first = std::exchange(document, document + infos_[s].documents);
      if (!infos_[s].problem.empty() || infos_[s].counts.kept > 0) continue;
      infos_[s].problem = examined_[s].problem = concat(
          sources_[s].file.string(), infos_[s].counts.decoded == 0 ? " is empty" : " is empty after cleaning",
          ": leave it out of corpus.sources");
      empty.push_back({infos_[s].name, infos_[s].problem});
      for (size_t d = first; d < document; ++d) {
        if (documents_[d].characters > 0) counts.remove(settings_.document_end, settings_.unit);
        documents_[d].characters = 0;
      }
    }
    if (empty.size() < sources_.size()) stop_at(empty);
  }

  [[noreturn]] void fail_empty() const {
    if (sources_.empty()) {
      fail_usage("the corpus is empty: corpus.sources names no file that can be used: name files with text");
    }
    std::string lines;
    for (const SourceInfo& info : infos_) {
      if (lines.empty() && info.lines_left_out > 0) lines = " (" + info.first_line_left_out + ")";
    }
    fail_usage("the corpus is empty: expected text in corpus.sources, found no character in ",
               sources_.size(), sources_.size() == 1 ? " file" : " files", ", such as ",
               sources_.front().file.string(), lines, ": name files with text");
  }

  // The second pass.
  void write(const OutputFolder& output) {
    const Vocabulary vocabulary =
        given_vocabulary_
            ? given_vocabulary_->with_counts(seen_)
            : Vocabulary::from_counts(seen_, settings_.vocabulary, settings_.unit, settings_.normalization);
    WrittenShards written =
        write_shards(text(), targets_ ? &*targets_ : nullptr, *plan_, vocabulary, seen_, output.temporary());
    Manifest manifest;
    manifest.splits = std::move(written.splits);
    manifest.split_by = plan_->by;
    manifest.baselines = written.baselines;
    manifest.run_together = run_together_;
    if (finder_) {
      manifest.copies = copies_info(*finder_, groups_, documents_, *plan_,
                                    [&](size_t document) { return name_of(document); });
    }
    name_splits();
    manifest.sources = infos_;
    if (targets_) manifest.targets = targets_->info;
    for (const SourceProblem& problem : problems_) {
      manifest.sources.emplace_back();
      manifest.sources.back().name = problem.name;
      manifest.sources.back().problem = problem.reason;
    }
    manifest.unknown = unknown_of(vocabulary);
    write_file_atomically(output.temporary() / "vocabulary.json", vocabulary.to_json());
    write_file_atomically(output.temporary() / "manifest.json",
                          manifest_json(settings_, vocabulary, manifest));
  }

  // Says of each source whose documents all went to one split which it was.
  void name_splits() {
    if (plan_->split_of_document.empty()) return;
    size_t document = 0;
    for (SourceInfo& info : infos_) {
      const auto begin = plan_->split_of_document.begin() + static_cast<ptrdiff_t>(document);
      const auto end = begin + static_cast<ptrdiff_t>(info.documents);
      document += info.documents;
      if (begin != end && info.problem.empty() &&
          std::all_of(begin, end, [&](uint8_t s) { return s == *begin; })) {
        info.split = plan_->splits[*begin].name;
      }
    }
  }

  UnknownInfo unknown_of(const Vocabulary& vocabulary) const {
    UnknownInfo unknown;
    unknown.most_frequent = characters_outside(vocabulary, seen_);
    unknown.distinct = unknown.most_frequent.size();
    for (const Vocabulary::Character& character : unknown.most_frequent) unknown.count += character.count;
    unknown.most_frequent.resize(std::min(unknown.most_frequent.size(), kUnknownShown));
    return unknown;
  }

  void remove_spooled(const fs::path& folder) const {
    for (const Source& source : sources_) {
      if (source.file.parent_path() == folder) fs::remove(source.file);
    }
  }

  CorpusSettings settings_;
  const BuildOptions& options_;
  int threads_;
  BuildSummary summary_;
  std::vector<Source> sources_;
  std::vector<SourceProblem> problems_;  // of what is no source at all
  std::vector<Examined> examined_;
  std::vector<SourceInfo> infos_;
  size_t sources_read_ = 0;  // the others lie behind corpus.max_characters
  std::vector<DocumentLength> documents_;
  std::optional<Source> target_source_;  // corpus.targets
  std::optional<TargetText> targets_;
  RunTogether run_together_;
  std::optional<CopyFinder> finder_;  // of copies, where they are looked for
  std::vector<uint32_t> groups_;      // of copies: of each document the first
  std::vector<Vocabulary::Character> seen_;
  std::optional<Vocabulary> given_vocabulary_;
  std::optional<SplitPlan> plan_;
};

}  // namespace

BuildSummary build_corpus(const CorpusSettings& settings, const BuildOptions& options) {
  return CorpusBuild(settings, options).run();
}

}  // namespace charrnn
