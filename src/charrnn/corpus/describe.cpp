#include "charrnn/corpus/describe.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "charrnn/core/atomic_file.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/data/shard_reader.h"
#include "charrnn/text/invisible.h"
#include "charrnn/text/json_source.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kFirstCharacters = 400;
constexpr size_t kFirstLines = 3;
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

// The invisible characters of the vocabulary, except the one that the user set as corpus.document_end.
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

Json splits_json(const CorpusFolder& corpus) {
  Json splits = Json::array();
  for (const SplitInfo& split : corpus.splits()) {
    const uint64_t longest = split.shards.front().length;
    splits.push_back({{"name", split.name},
                      {"characters", split.characters},
                      {"utf8_bytes", split.utf8_bytes},
                      {"shards", split.shards.size()},
                      {"longest_shard", longest},
                      {"first_lines", first_lines(split, corpus.vocabulary(), ShardRow::kIds)}});
    if (split.has_targets) {
      splits.back()["first_lines_of_targets"] = first_lines(split, corpus.vocabulary(), ShardRow::kTargets);
    }
  }
  return splits;
}

}  // namespace

Json describe_corpus(const fs::path& folder) {
  const CorpusFolder corpus = CorpusFolder::open(folder);
  const Vocabulary& vocabulary = corpus.vocabulary();
  const fs::path manifest_file = folder / "manifest.json";
  const JsonSource manifest(read_file(manifest_file), "the manifest " + manifest_file.string());

  const Json& settings = manifest.member(manifest.root(), "settings");
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
      {"unknown", manifest.member(manifest.root(), "unknown")},
      {"baselines",
       {{"unigram_bits", corpus.baselines().unigram_bits}, {"bigram_bits", corpus.baselines().bigram_bits}}},
      {"splits", splits_json(corpus)},
      {"split_by", manifest.text(manifest.root(), "split_by")},
      {"settings", settings},
      {"sources", manifest.list(manifest.root(), "sources")},
      {"targets", manifest.root().value("targets", Json())},  // null: successors
      {"left_out", manifest.list(manifest.root(), "left_out")},
      {"invisible_characters", invisible_json(vocabulary, manifest.text(settings, "document_end"))}};
  for (const char* found : {"run_together", "copies"}) {
    if (manifest.root().contains(found)) corpus_json[found] = manifest.root()[found];
  }
  return corpus_json;
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

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace charrnn
