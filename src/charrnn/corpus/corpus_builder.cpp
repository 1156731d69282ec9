#include "charrnn/corpus/corpus_builder.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/copies_info.h"
#include "charrnn/corpus/corpus_recipe.h"
#include "charrnn/corpus/count_pass.h"
#include "charrnn/corpus/given_vocabulary.h"
#include "charrnn/corpus/manifest.h"
#include "charrnn/corpus/output_folder.h"
#include "charrnn/corpus/shard_pass.h"
#include "charrnn/corpus/split_lists.h"
#include "charrnn/corpus/split_plan.h"
#include "charrnn/corpus/target_text.h"
#include "charrnn/corpus/up_to_date.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/sources.h"
#include "charrnn/text/utf8.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr int kMostThreads = 16;  // more do not help: reading and writing are one thread's work each
constexpr size_t kUnknownShown = 20;
constexpr size_t kProblemsShown = 10;

int thread_count(int wanted) {
  if (wanted > 0) return wanted;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
}

// `options` whose progress throws once a stop is requested.
BuildOptions stopping(BuildOptions options, const std::string& output) {
  options.progress = [show = options.progress, stop = options.stop, output](const BuildProgress& progress) {
    if (stop.stop_requested())
      fail_stopped("stopped by ", stop.reason(), ": ", output, " is as it was before");
    show(progress);
  };
  return options;
}

class CorpusBuild {
 public:
  CorpusBuild(const CorpusSettings& settings, const BuildOptions& options)
      : settings_(settings),
        options_(stopping(options, settings.output)),
        threads_(thread_count(options.threads)) {
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
    found_ = find_sources(settings_, output.temporary(), options_.run_output, options_.stop);
    summary_.own_files = found_.own_files;
    if (!settings_.targets.empty())
      target_source_ = find_target_source(settings_, output.temporary(), options_.stop);
    for (const Source& source : found_.sources) summary_.bytes += source.bytes;
    if (!settings_.vocabulary.from.empty()) given_vocabulary_ = read_given_vocabulary(settings_);
    if (!options_.force && is_up_to_date()) {
      summary_.up_to_date = true;
    } else {
      report_changed_settings();
      build(output);
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

  bool is_up_to_date() const {
    return charrnn::is_up_to_date(settings_, found_, target_source_, given_vocabulary_, threads_,
                                  [&](uint64_t done, uint64_t total) {
                                    options_.progress({BuildStage::kComparing, done, total});
                                  });
  }

  // The corpus is replaced: runs that were trained on it may need those settings.
  void report_changed_settings() const {
    const std::string names = settings_that_differ(settings_.output, settings_);
    if (names.empty()) return;
    log::info(concat("building ", settings_.output, " again: it was made with other values of ", names));
  }

  void build(OutputFolder& output) {
    examined_ = examine(found_.sources, settings_, threads_, [&](uint64_t bytes) {
      options_.progress({BuildStage::kExamining, bytes, summary_.bytes});
    });
    refuse_unusable();
    counted_ = count_text(text(found_.sources.size()));
    leave_out_empty();
    for (const DocumentLength& document : counted_.documents) summary_.characters += document.characters;
    summary_.documents = counted_.documents.size();
    if (summary_.characters == 0) fail_empty();
    if (target_source_) read_targets();
    write(output);
    remove_spooled(output.temporary());
    output.commit();
  }

  CorpusText text(size_t sources_read) const {
    return {found_.sources, examined_, settings_, options_, threads_, sources_read};
  }

  // Ends the run if there are problems and corpus.on_error says so.
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

  void refuse_unusable() const {
    std::vector<SourceProblem> unusable = found_.problems;
    for (size_t s = 0; s < found_.sources.size(); ++s) {
      if (!examined_[s].problem.empty()) unusable.push_back({found_.sources[s].name, examined_[s].problem});
    }
    stop_at(unusable);
  }

  void leave_out_empty() {
    std::vector<SourceProblem> empty;
    size_t document = 0;
    for (size_t s = 0; s < counted_.sources_read; ++s) {
      SourceInfo& info = counted_.sources[s];
      const size_t first = std::exchange(document, document + info.documents);
      if (!info.problem.empty() || info.counts.kept > 0) continue;
      info.problem = examined_[s].problem =
          concat(found_.sources[s].file.string(),
                 info.counts.decoded == 0 ? " is empty" : " is empty after cleaning",
                 ": leave it out of corpus.sources");
      empty.push_back({info.name, info.problem});
      for (size_t d = first; d < document; ++d) {
        uint64_t& characters = counted_.documents[d].characters;
        if (characters > 0) counted_.characters.remove(settings_.document_end, settings_.unit);
        characters = 0;
      }
    }
    if (empty.size() < found_.sources.size()) stop_at(empty);
  }

  [[noreturn]] void fail_empty() const {
    if (found_.sources.empty()) {
      fail_usage("the corpus is empty: corpus.sources names no file that can be used: name files with text");
    }
    const auto count = static_cast<int64_t>(found_.sources.size());
    std::string lines;
    for (const SourceInfo& info : counted_.sources) {
      if (lines.empty() && info.lines_left_out > 0) lines = " (" + info.first_line_left_out + ")";
    }
    fail_usage("the corpus is empty: expected text in corpus.sources, found no character in ",
               plural(count, "file"), ", such as ", found_.sources.front().file.string(), lines,
               ": name files with text");
  }

  void read_targets() {
    targets_ = read_target_text(*target_source_, settings_, options_, threads_, counted_.characters);
    if (targets_->length == summary_.characters) return;
    const std::vector<Source>& sources = found_.sources;
    fail_usage("corpus.targets ", settings_.targets, " has ", targets_->length,
               settings_.unit == Unit::kByte ? " bytes" : " characters", " after cleaning",
               settings_.document_end.empty() ? "" : " (corpus.document_end included)", ", the corpus of ",
               sources.front().file.string(),
               sources.size() > 1 ? concat(" and ", sources.size() - 1, " more") : std::string(), " has ",
               summary_.characters,
               ": expected one target for each: correct corpus.targets, or the settings ", "that clean both");
  }

  // The second pass.
  void write(const OutputFolder& output) {
    std::vector<uint32_t> groups;  // of copies: of each document the first
    if (counted_.finder) groups = counted_.finder->groups(counted_.documents, threads_);
    const bool together = settings_.split.copies == Copies::kTogether;
    const SplitPlan plan =
        plan_splits(counted_.documents, settings_.split, together ? groups : std::vector<uint32_t>());
    // The counts, 9 MB, are freed here: the second pass does not need them.
    const std::vector<Vocabulary::Character> seen = CharacterCounts(std::move(counted_.characters)).seen();
    const Vocabulary vocabulary =
        given_vocabulary_
            ? given_vocabulary_->with_counts(seen)
            : Vocabulary::from_counts(seen, settings_.vocabulary, settings_.unit, settings_.normalization);
    WrittenShards written = write_shards(text(counted_.sources_read), targets_ ? &*targets_ : nullptr, plan,
                                         vocabulary, seen, output.temporary());
    Manifest manifest;
    manifest.splits = std::move(written.splits);
    manifest.split_by = plan.by;
    manifest.baselines = written.baselines;
    manifest.run_together = counted_.run_together;
    if (counted_.finder) {
      manifest.copies = copies_info(*counted_.finder, groups, counted_.documents, plan,
                                    [&](size_t document) { return name_of(document); });
    }
    manifest.sources = source_infos(plan);
    if (targets_) manifest.targets = targets_->info;
    manifest.unknown = unknown_of(vocabulary, seen);
    write_file_atomically(output.temporary() / "vocabulary.json", vocabulary.to_json());
    write_file_atomically(output.temporary() / "manifest.json",
                          manifest_json(settings_, vocabulary, manifest));
  }

  std::string name_of(size_t document) const {
    size_t source = 0;
    for (size_t first = 0; document >= first + counted_.sources[source].documents; ++source) {
      first += counted_.sources[source].documents;
    }
    return document_name(counted_.sources[source].name, counted_.documents[document].line);
  }

  // Also of what could not be read, and with the split of each source whose documents all went to one.
  std::vector<SourceInfo> source_infos(const SplitPlan& plan) const {
    std::vector<SourceInfo> infos = counted_.sources;
    auto end = plan.split_of_document.begin();
    for (SourceInfo& info : infos) {
      if (plan.split_of_document.empty()) break;
      const auto begin = std::exchange(end, end + static_cast<ptrdiff_t>(info.documents));
      const bool in_one = std::all_of(begin, end, [&](uint8_t split) { return split == *begin; });
      if (begin != end && info.problem.empty() && in_one) info.split = plan.splits[*begin].name;
    }
    for (const SourceProblem& problem : found_.problems) {
      infos.emplace_back();
      infos.back().name = problem.name;
      infos.back().problem = problem.reason;
    }
    return infos;
  }

  static UnknownInfo unknown_of(const Vocabulary& vocabulary,
                                const std::vector<Vocabulary::Character>& seen) {
    UnknownInfo unknown;
    unknown.most_frequent = characters_outside(vocabulary, seen);
    unknown.distinct = unknown.most_frequent.size();
    for (const Vocabulary::Character& character : unknown.most_frequent) unknown.count += character.count;
    unknown.most_frequent.resize(std::min(unknown.most_frequent.size(), kUnknownShown));
    return unknown;
  }

  void remove_spooled(const fs::path& folder) const {
    for (const Source& source : found_.sources) {
      if (source.file.parent_path() == folder) fs::remove(source.file);
    }
  }

  CorpusSettings settings_;
  const BuildOptions options_;
  int threads_;
  BuildSummary summary_;
  FoundSources found_;
  std::optional<Source> target_source_;  // corpus.targets
  std::optional<Vocabulary> given_vocabulary_;
  std::vector<Examined> examined_;
  CountedText counted_;
  std::optional<TargetText> targets_;
};

}  // namespace

BuildSummary build_corpus(const CorpusSettings& settings, const BuildOptions& options) {
  return CorpusBuild(settings, options).run();
}

}  // namespace charrnn
