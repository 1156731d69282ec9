#include "data/corpus_builder.h"

#include <chrono>
#include <deque>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "core/atomic_file.h"
#include "core/error.h"
#include "data/entropy.h"
#include "data/manifest.h"
#include "data/output_folder.h"
#include "data/shard.h"
#include "data/split_plan.h"
#include "text/character_counts.h"
#include "text/document_reader.h"
#include "text/sources.h"
#include "text/vocabulary.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

// Reports progress over the bytes of both passes.
class ProgressReport {
 public:
  ProgressReport(const BuildOptions& options, uint64_t bytes_total) : options_(options) {
    progress_.bytes_total = bytes_total;
  }
  void start_pass(int pass) {
    progress_.pass = pass;
    progress_.bytes_done = 0;
    finished_ = 0;
  }
  void in_document(uint64_t bytes) {
    progress_.bytes_done = finished_ + bytes;
    if (options_.progress) options_.progress(progress_);
  }
  void end_document(uint64_t bytes) { finished_ += bytes; }

 private:
  const BuildOptions& options_;
  BuildProgress progress_;
  uint64_t finished_ = 0;  // bytes of whole documents in this pass
};

// Calls use(units) for each block of the document; returns hash and sizes of what it read.
template <class Use>
SourceInfo read_document(const Document& document, Unit unit, ProgressReport& report, Use use) {
  DocumentReader reader(document.file, unit);
  SourceInfo info{.name = document.name, .hash = "", .bytes = 0, .characters = 0, .split = ""};
  for (std::u32string_view units = reader.next(); !units.empty(); units = reader.next()) {
    info.characters += units.size();
    use(units);
    report.in_document(reader.bytes());
  }
  info.bytes = reader.bytes();
  info.hash = reader.hash();
  report.end_document(reader.bytes());
  return info;
}

// The id of every character, by code point; kNoId for those that the first pass did not see.
class IdTable {
 public:
  explicit IdTable(const Vocabulary& vocabulary, const std::vector<Vocabulary::Character>& seen)
      : ids_(0x110000, kNoId) {
    for (const auto& character : seen) ids_[character.value] = vocabulary.id(character.value);
  }

  // False where a character is none of those that were seen.
  bool look_up(std::u32string_view units, std::vector<uint32_t>& ids) const {
    ids.resize(units.size());
    uint32_t highest = 0;
    for (size_t i = 0; i < units.size(); ++i) {
      ids[i] = ids_[units[i]];
      highest |= ids[i];
    }
    return (highest & kNoId) == 0;
  }

 private:
  static constexpr uint32_t kNoId = uint32_t{1} << 31;
  std::vector<uint32_t> ids_;
};

// One split: its shards, one after another, whose lengths differ by one at most.
class SplitWriter {
 public:
  SplitWriter(fs::path folder, const SplitPlan::Split& split, const Vocabulary& vocabulary,
              uint64_t shard_size)
      : folder_(std::move(folder)) {
    info_.name = split.name;
    info_.characters = split.characters;
    const uint64_t shards = (split.characters + shard_size - 1) / shard_size;
    if (shards > std::numeric_limits<uint32_t>::max()) {
      fail_usage("corpus.shard_size = ", shard_size, " cuts the split ", split.name, " into ", shards,
                 " shards: expected fewer, set a larger one");
    }
    next_ = {.length = 0,
             .id_bytes = id_bytes_for(vocabulary.size()),
             .vocabulary_hash = vocabulary.hash(),
             .split = split.name,
             .shard = 0,
             .shard_count = static_cast<uint32_t>(shards)};
    open_next();
  }

  void start_document() {
    if (writer_->remaining() == 0) finish_shard();
    writer_->start_document();
  }

  void append(std::span<const uint32_t> ids, uint64_t utf8_length) {
    info_.utf8_bytes += utf8_length;
    while (!ids.empty()) {
      if (writer_->remaining() == 0) finish_shard();
      const size_t count = std::min<uint64_t>(ids.size(), writer_->remaining());
      writer_->append(ids.first(count));
      ids = ids.subspan(count);
    }
  }

  SplitInfo finish() {
    finish_shard();
    return info_;
  }

 private:
  void open_next() {
    const uint64_t rest = info_.characters % next_.shard_count;
    next_.length = info_.characters / next_.shard_count + (next_.shard < rest ? 1 : 0);
    const fs::path file = folder_ / shard_file_name(next_.split, next_.shard);
    info_.shards.push_back({file, next_.length, ""});
    writer_.emplace(file, next_);
  }

  void finish_shard() {
    info_.shards.back().hash = writer_->finish();
    writer_.reset();
    if (++next_.shard < next_.shard_count) open_next();
  }

  fs::path folder_;
  SplitInfo info_;
  ShardInfo next_;  // of the shard being written
  std::optional<ShardWriter> writer_;
};

// The second pass: hands each piece of a document to its split.
class CorpusWriter {
 public:
  CorpusWriter(const fs::path& folder, const SplitPlan& plan, const Vocabulary& vocabulary,
               const IdTable& ids, const CorpusSettings& settings)
      : ids_(ids), unit_(settings.unit), entropy_(vocabulary.size()) {
    for (const SplitPlan::Split& split : plan.splits) {
      splits_.emplace_back(folder, split, vocabulary, static_cast<uint64_t>(settings.shard_size));
    }
  }

  void write(const Document& document, const SourceInfo& expected,
             const std::vector<SplitPlan::Piece>& pieces, ProgressReport& report) {
    auto piece = pieces.begin();
    uint64_t left = pieces.empty() ? 0 : piece->characters;  // in this piece
    if (!pieces.empty()) splits_[piece->split].start_document();
    const SourceInfo found = read_document(document, unit_, report, [&](std::u32string_view units) {
      bool known = ids_.look_up(units, block_);
      std::span<const uint32_t> rest(block_);
      while (known && !rest.empty()) {
        while (left == 0 && piece != pieces.end() && ++piece != pieces.end()) left = piece->characters;
        known = left > 0;
        const size_t count = std::min<uint64_t>(rest.size(), left);
        if (piece != pieces.end() && piece->split == 0) entropy_.add(rest.first(count));
        if (count > 0)
          splits_[piece->split].append(rest.first(count), utf8_bytes(units.substr(0, count), unit_));
        rest = rest.subspan(count);
        units.remove_prefix(count);
        left -= count;
      }
      if (!known) fail_changed(document);
    });
    if (found.hash != expected.hash || found.bytes != expected.bytes) fail_changed(document);
  }

  std::vector<SplitInfo> finish() {
    std::vector<SplitInfo> splits;
    for (SplitWriter& split : splits_) splits.push_back(split.finish());
    return splits;
  }

  Marks marks() const { return entropy_.marks(); }

 private:
  [[noreturn]] static void fail_changed(const Document& document) {
    fail(document.file.string(),
         " changed while it was being read: expected the same text in both passes: run again");
  }

  const IdTable& ids_;
  Unit unit_;
  EntropyCounter entropy_;  // of train
  std::deque<SplitWriter> splits_;
  std::vector<uint32_t> block_;
};

void refuse_output_in_sources(const CorpusSettings& settings) {
  const fs::path output = fs::weakly_canonical(fs::absolute(settings.output));
  for (const std::string& source : settings.sources) {
    if (!fs::is_directory(source)) continue;
    const fs::path relative = output.lexically_relative(fs::canonical(source));
    if (relative.empty() || *relative.begin() == "..") continue;
    fail_usage(
        "corpus.output ", settings.output, " lies in the folder ", source,
        " of corpus.sources, where the next run would read it as text: set corpus.output to another place");
  }
}

}  // namespace

BuildSummary build_corpus(const CorpusSettings& settings, const BuildOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (settings.output.empty())
    fail_usage("corpus.output is empty: expected the folder to write the corpus to");
  const std::vector<Document> documents = find_documents(settings.sources);
  refuse_output_in_sources(settings);
  OutputFolder output(settings.output);

  BuildSummary summary{.documents = documents.size(), .bytes = 0, .characters = 0, .seconds = 0};
  for (const Document& document : documents) summary.bytes += document.bytes;
  ProgressReport report(options, summary.bytes);

  report.start_pass(1);
  CharacterCounts counts;
  std::vector<SourceInfo> sources;
  std::vector<DocumentLength> lengths;
  for (const Document& document : documents) {
    sources.push_back(read_document(document, settings.unit, report,
                                    [&](std::u32string_view units) { counts.add(units); }));
    lengths.push_back({document.name, sources.back().characters});
    summary.characters += sources.back().characters;
  }
  if (summary.characters == 0) {
    fail_usage("the corpus is empty: expected text in corpus.sources, found ", documents.size(),
               " files without a character, such as ", documents.front().file.string(),
               ": name files with text");
  }
  const SplitPlan plan = plan_splits(lengths, settings.split);
  const std::vector<Vocabulary::Character> seen = counts.seen();
  const Vocabulary vocabulary = Vocabulary::from_counts(seen, settings.vocabulary, settings.unit);

  report.start_pass(2);
  const IdTable ids(vocabulary, seen);
  CorpusWriter writer(output.temporary(), plan, vocabulary, ids, settings);
  for (size_t d = 0; d < documents.size(); ++d) {
    writer.write(documents[d], sources[d], plan.pieces[d], report);
    if (plan.by == SplitBy::kDocument && !plan.pieces[d].empty()) {
      sources[d].split = plan.splits[plan.pieces[d].front().split].name;
    }
  }
  const std::vector<SplitInfo> splits = writer.finish();
  write_file_atomically(output.temporary() / "vocabulary.json", vocabulary.to_json());
  write_file_atomically(output.temporary() / "manifest.json",
                        manifest_json(settings, vocabulary, sources, splits, writer.marks()));
  output.commit();
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

}  // namespace charrnn
