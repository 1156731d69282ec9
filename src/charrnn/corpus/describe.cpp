#include "charrnn/corpus/describe.h"

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <sstream>
#include <utility>
#include <vector>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/remarks.h"
#include "charrnn/corpus/report_text.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/data/shard.h"
#include "charrnn/text/cleaner.h"
#include "charrnn/text/invisible.h"
#include "charrnn/text/json_source.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kFirstCharacters = 400;
constexpr size_t kFirstLines = 3;
constexpr size_t kSourcesShown = 10;
constexpr size_t kCharactersShown = 12;
constexpr uint64_t kShardCharacters = 64;

std::vector<uint32_t> first_ids(const ShardReader& reader, uint64_t count, ShardRow row) {
  std::vector<uint32_t> ids(std::min(count, reader.info().length));
  reader.read(0, ids, row);
  return ids;
}

std::string decode(const std::vector<uint32_t>& ids, const Vocabulary& vocabulary) {
  std::string text;
  for (const uint32_t id : ids) text += vocabulary.decode(id);
  return text;
}

Json first_lines(const SplitInfo& split, const Vocabulary& vocabulary, ShardRow row) {
  const ShardReader reader(split.shards.front().file);
  std::istringstream text(decode(first_ids(reader, kFirstCharacters, row), vocabulary));
  Json lines = Json::array();
  std::string line;
  while (lines.size() < kFirstLines && std::getline(text, line)) lines.push_back(line);
  return lines;
}

Json characters_json(const Vocabulary& vocabulary) {
  Json list = Json::array();
  for (const Vocabulary::Character& character : vocabulary.characters()) {
    const bool is_unknown = character.value == Vocabulary::kUnknown;
    std::string text = "<unk>";
    if (!is_unknown) {
      text.clear();
      append_utf8(character.value, text);
    }
    list.push_back({{"character", std::move(text)}, {"count", character.count}});
  }
  return list;
}

// Of the vocabulary, except what the user set as corpus.document_end.
Json invisible_json(const Vocabulary& vocabulary, const std::string& document_end) {
  Json list = Json::array();
  for (const Vocabulary::Character& character : vocabulary.characters()) {
    if (character.value == Vocabulary::kUnknown || character.count == 0) continue;
    if (vocabulary.unit() == Unit::kByte && character.value >= 0x80) continue;  // part of a character
    std::string text;
    append_utf8(character.value, text);
    if (!is_invisible(character.value) || text == document_end) continue;
    list.push_back({{"name", code_point_name(character.value)}, {"count", character.count}});
  }
  return list;
}

// What the manifest of an older charrnn does not say.
Json no_unknown(const Vocabulary& vocabulary) {
  return {{"count", vocabulary.has_unknown() ? vocabulary.characters().front().count : 0},
          {"distinct", 0},
          {"most_frequent", Json::array()}};
}

// The most frequent characters with their counts, most frequent first.
std::string vocabulary_text(const Json& characters, bool bytes) {
  std::vector<std::pair<uint64_t, std::string>> by_count;
  for (const Json& entry : characters) {
    const std::string name = entry["character"].get<std::string>();
    const char32_t value = name == "<unk>" ? 0 : decode_utf8(name)[0];
    by_count.emplace_back(entry["count"].get<uint64_t>(), name == "<unk>" ? name
                                                          : bytes && value >= 0x80
                                                              ? concat("byte ", static_cast<uint32_t>(value))
                                                              : shown_character(value));
  }
  std::stable_sort(by_count.begin(), by_count.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = "  most frequent:";
  for (size_t i = 0; i < std::min(by_count.size(), kCharactersShown); ++i) {
    text += concat(i == 0 ? " " : ", ", by_count[i].second, " ", with_thousands(by_count[i].first));
  }
  return text + "\n";
}

std::string sources_text(const Json& sources) {
  uint64_t bytes = 0;
  for (const Json& source : sources) bytes += source["bytes"].get<uint64_t>();
  std::vector<std::vector<std::string>> rows{{"", "bytes", "decoded", "kept", "split", "charset"}};
  for (const Json& source : sources) {
    if (rows.size() > kSourcesShown) break;
    rows.push_back({visible(source["name"].get<std::string>()), grouped(source["bytes"]),
                    with_thousands(source.value("decoded", source["characters"].get<int64_t>())),
                    grouped(source["characters"]), source.value("split", ""), charset_text(source)});
  }
  std::string text =
      "sources: " + plural(sources.size(), "file") + ", " + plural(bytes, "byte") + "\n" + aligned(rows);
  if (sources.size() > kSourcesShown)
    text += "  ... and " + with_thousands(sources.size() - kSourcesShown) +
            " more (--json and manifest.json have all)\n";
  return text;
}

// How many characters came in, and what cleaning did to them, over all sources.
std::string cleaning_text(const Json& sources, uint64_t in_splits) {
  uint64_t decoded = 0;
  uint64_t kept = 0;
  uint64_t invalid = 0;
  std::vector<std::pair<std::string, int64_t>> changes;  // in the order of the stages
  const CleaningCounts none;
  CleaningCounts::visit_changes(none, [&](const char* stage, int64_t) { changes.emplace_back(stage, 0); });
  for (const Json& source : sources) {
    decoded += source.value("decoded", uint64_t{0});
    kept += source["characters"].get<uint64_t>();
    invalid += source.value("invalid", uint64_t{0});
    const auto list = source.find("changes");
    if (list == source.end()) continue;
    for (auto change = list->begin(); change != list->end(); ++change) {
      const auto found = std::find_if(changes.begin(), changes.end(),
                                      [&](const auto& known) { return known.first == change.key(); });
      if (found != changes.end()) found->second += change->get<int64_t>();
    }
  }
  std::vector<std::vector<std::string>> rows{{"decoded", with_thousands(decoded)}};
  for (const auto& [stage, change] : changes) {
    if (change == 0) continue;
    rows.push_back({stage, concat(change < 0 ? "-" : "+", with_thousands(std::abs(change)))});
  }
  rows.push_back({"kept", with_thousands(kept)});
  if (in_splits > kept) rows.push_back({"document_end", concat("+", with_thousands(in_splits - kept))});
  std::string text = "characters\n" + aligned(rows);
  if (invalid > 0) text += "  " + plural(invalid, "malformed sequence") + " of bytes replaced or skipped\n";
  return text;
}

// "targets: upper.txt, 5 characters, each the target of the one at its place"
std::string targets_text(const Json& targets) {
  if (targets.is_null()) return "";
  return concat("targets: ", targets["name"].get<std::string>(), ", ",
                plural(targets["characters"].get<int64_t>(), "character"),
                ", each the target of the one at its place (corpus.targets)\n");
}

std::string unknown_text(const Json& unknown, uint64_t in_splits) {
  std::string text =
      concat(" with <unk>, which stands for ", plural(unknown["count"].get<int64_t>(), "occurrence"), " of ",
             plural(unknown["distinct"].get<int64_t>(), "character"), " (", std::setprecision(2),
             100 * unknown["count"].get<double>() / static_cast<double>(in_splits), " % of the text)");
  std::string list;
  for (const Json& entry : unknown["most_frequent"]) {
    const Json& character = entry["character"];
    list += concat(list.empty() ? "" : ", ",
                   character.is_number() ? concat("byte ", character.get<uint32_t>())
                                         : shown_character(decode_utf8(character.get<std::string>())[0]),
                   " ", grouped(entry["count"]));
  }
  return list.empty() ? text : text + "\n  the most frequent of these: " + list;
}

}  // namespace

Json describe_corpus(const fs::path& folder) {
  const CorpusFolder corpus = CorpusFolder::open(folder);
  const Vocabulary& vocabulary = corpus.vocabulary();
  const fs::path manifest_file = folder / "manifest.json";
  const JsonSource manifest(read_file(manifest_file), "the manifest " + manifest_file.string());

  Json splits = Json::array();
  for (const SplitInfo& split : corpus.splits()) {
    const uint64_t longest = split.shards.front().length;
    splits.push_back({{"name", split.name},
                      {"characters", split.characters},
                      {"utf8_bytes", split.utf8_bytes},
                      {"shards", split.shards.size()},
                      {"longest_shard", longest},
                      {"first_lines", first_lines(split, vocabulary, ShardRow::kIds)}});
    if (split.has_targets) {
      splits.back()["first_lines_of_targets"] = first_lines(split, vocabulary, ShardRow::kTargets);
    }
  }
  Json corpus_json = {
      {"kind", "corpus"},
      {"path", folder.string()},
      {"hash", corpus.hash()},
      {"vocabulary",
       {{"size", vocabulary.size()},
        {"unit", enum_name(vocabulary.unit())},
        {"unknown", vocabulary.has_unknown()},
        {"hash", vocabulary.hash()},
        {"characters", characters_json(vocabulary)}}},
      {"unknown", manifest.root().value("unknown", no_unknown(vocabulary))},
      {"baselines",
       {{"unigram_bits", corpus.baselines().unigram_bits}, {"bigram_bits", corpus.baselines().bigram_bits}}},
      {"splits", std::move(splits)},
      {"split_by", manifest.root().value("split_by", "")},
      {"settings", manifest.member(manifest.root(), "settings")},
      {"sources", manifest.list(manifest.root(), "sources")},
      {"targets", manifest.root().value("targets", Json())},  // null: successors
      {"left_out", manifest.root().value("left_out", Json::array())},
      {"invisible_characters",
       invisible_json(vocabulary, manifest.member(manifest.root(), "settings").value("document_end", ""))}};
  for (const char* found : {"run_together", "copies"}) {
    if (manifest.root().contains(found)) corpus_json[found] = manifest.root()[found];
  }
  return corpus_json;
}

std::string corpus_text(const Json& corpus) {
  std::ostringstream out;
  uint64_t in_splits = 0;
  for (const Json& split : corpus["splits"]) in_splits += split["characters"].get<uint64_t>();
  const bool bytes = corpus["vocabulary"]["unit"] == enum_name(Unit::kByte);
  out << sources_text(corpus["sources"]) << cleaning_text(corpus["sources"], bytes ? 0 : in_splits)
      << remarks_text(corpus) << targets_text(corpus["targets"]) << "splits"
      << (corpus.contains("split_by") ? ", by " : "") << corpus.value("split_by", "") << "\n";
  std::vector<std::vector<std::string>> rows{{"", "characters", "UTF-8 bytes", "shards", "longest"}};
  for (const Json& split : corpus["splits"]) {
    rows.push_back({split["name"].get<std::string>(), grouped(split["characters"]),
                    grouped(split["utf8_bytes"]), grouped(split["shards"]), grouped(split["longest_shard"])});
  }
  out << aligned(rows);
  for (const Json& split : corpus["splits"]) {
    out << "first lines of " << split["name"].get<std::string>() << "\n";
    for (const Json& line : split["first_lines"]) out << "  | " << visible(line.get<std::string>()) << "\n";
    if (!split.contains("first_lines_of_targets")) continue;
    out << "  and their targets\n";
    for (const Json& line : split["first_lines_of_targets"])
      out << "  | " << visible(line.get<std::string>()) << "\n";
  }
  const Json& vocabulary = corpus["vocabulary"];
  out << "vocabulary: " << grouped(vocabulary["size"]) << (bytes ? " bytes" : " characters");
  out << ", hash " << vocabulary["hash"].get<std::string>();
  const bool has_targets = !corpus["targets"].is_null();  // the vocabulary was counted over them, too
  if (vocabulary["unknown"]) {
    out << "," << unknown_text(corpus["unknown"], has_targets ? 2 * in_splits : in_splits);
  }
  out << "\n" << vocabulary_text(vocabulary["characters"], bytes) << std::fixed << std::setprecision(4);
  out << "baselines, in bits per character" << (has_targets ? " (of the targets)" : "") << ": unigram "
      << corpus["baselines"]["unigram_bits"].get<double>() << ", bigram "
      << corpus["baselines"]["bigram_bits"].get<double>() << "\n";
  out << "corpus " << corpus["path"].get<std::string>() << ", hash " << corpus["hash"].get<std::string>()
      << "\n";
  return out.str();
}

Json describe_shard(const fs::path& file) {
  const ShardReader reader(file);
  const ShardInfo& info = reader.info();
  const std::vector<uint32_t> ids = first_ids(reader, kShardCharacters, ShardRow::kIds);
  std::vector<uint32_t> targets;
  if (info.has_targets) targets = first_ids(reader, kShardCharacters, ShardRow::kTargets);
  Json json = {{"kind", "shard"},
               {"path", file.string()},
               {"format_version", kShardFormatVersion},
               {"split", info.split},
               {"shard", info.shard},
               {"shard_count", info.shard_count},
               {"characters", info.length},
               {"id_bytes", info.id_bytes},
               {"documents", reader.document_starts().size()},
               {"vocabulary_hash", info.vocabulary_hash},
               {"has_targets", info.has_targets},
               {"first_ids", ids}};
  if (info.has_targets) json["first_targets"] = targets;
  const fs::path vocabulary_file = file.parent_path() / "vocabulary.json";
  if (fs::exists(vocabulary_file)) {
    const Vocabulary vocabulary = Vocabulary::from_json(read_file(vocabulary_file), vocabulary_file.string());
    if (vocabulary.hash() == info.vocabulary_hash) {
      json["first_characters"] = decode(ids, vocabulary);
      if (info.has_targets) json["first_target_characters"] = decode(targets, vocabulary);
    }
  }
  return json;
}

std::string shard_text(const Json& shard) {
  std::ostringstream out;
  out << "shard " << shard["path"].get<std::string>() << "\n"
      << "  split " << shard["split"].get<std::string>() << ", shard " << shard["shard"] << " of "
      << shard["shard_count"] << " (from 0 on), format version " << shard["format_version"] << "\n"
      << "  " << grouped(shard["characters"]) << " characters of " << shard["id_bytes"] << " byte(s), "
      << plural(shard["documents"].get<int64_t>(), "document") << " begin here\n"
      << "  vocabulary " << shard["vocabulary_hash"].get<std::string>() << "\n"
      << "  first ids " << json_line(shard["first_ids"]) << "\n";
  if (shard["has_targets"]) out << "  their targets " << json_line(shard["first_targets"]) << "\n";
  if (shard.contains("first_characters")) {
    out << "  first characters " << json_line(shard["first_characters"]) << "\n";
    if (shard["has_targets"])
      out << "  their targets " << json_line(shard["first_target_characters"]) << "\n";
  } else {
    out << "  (no vocabulary.json of this vocabulary beside it: characters not shown)\n";
  }
  return out.str();
}

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace charrnn
