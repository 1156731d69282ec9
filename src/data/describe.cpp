#include "data/describe.h"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>
#include <vector>

#include "core/atomic_file.h"
#include "core/error.h"
#include "data/corpus_folder.h"
#include "data/shard.h"
#include "text/json_source.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr uint64_t kFirstCharacters = 400;
constexpr size_t kFirstLines = 3;
constexpr size_t kSourcesShown = 10;
constexpr uint64_t kShardCharacters = 64;

std::string decode_first(const ShardReader& reader, const Vocabulary& vocabulary, uint64_t count) {
  std::vector<uint32_t> ids(std::min(count, reader.info().length));
  reader.read(0, ids);
  std::string text;
  for (const uint32_t id : ids) text += vocabulary.decode(id);
  return text;
}

Json first_lines(const SplitInfo& split, const Vocabulary& vocabulary) {
  std::istringstream text(decode_first(ShardReader(split.shards.front().file), vocabulary, kFirstCharacters));
  Json lines = Json::array();
  std::string line;
  while (lines.size() < kFirstLines && std::getline(text, line)) lines.push_back(line);
  return lines;
}

// 1234567 -> "1,234,567"
std::string grouped(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string grouped(const Json& number) {
  return grouped(number.get<uint64_t>());
}

std::string plural(uint64_t count, const std::string& noun) {
  return concat(grouped(count), " ", noun, count == 1 ? "" : "s");
}

// Rows of cells in columns: the first to the left, the others to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::ostringstream out;
  for (const auto& row : rows) {
    out << " ";
    for (size_t i = 0; i < row.size(); ++i) {
      out << " " << (i == 0 ? std::left : std::right) << std::setw(static_cast<int>(widths[i])) << row[i]
          << " ";
    }
    out << "\n";
  }
  return out.str();
}

std::string sources_text(const Json& sources) {
  uint64_t bytes = 0;
  for (const Json& source : sources) bytes += source["bytes"].get<uint64_t>();
  std::vector<std::vector<std::string>> rows{{"", "bytes", "characters", "split"}};
  for (const Json& source : sources) {
    if (rows.size() > kSourcesShown) break;
    rows.push_back({source["name"].get<std::string>(), grouped(source["bytes"]),
                    grouped(source["characters"]), source.value("split", "")});
  }
  std::string text =
      "sources: " + plural(sources.size(), "file") + ", " + plural(bytes, "byte") + "\n" + aligned(rows);
  if (sources.size() > kSourcesShown)
    text += "  ... and " + grouped(sources.size() - kSourcesShown) + " more\n";
  return text;
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
                      {"first_lines", first_lines(split, vocabulary)}});
  }
  return {
      {"kind", "corpus"},
      {"path", folder.string()},
      {"hash", corpus.hash()},
      {"vocabulary",
       {{"size", vocabulary.size()},
        {"unit", enum_name(vocabulary.unit())},
        {"unknown", vocabulary.has_unknown()},
        {"unknown_count", vocabulary.has_unknown() ? vocabulary.characters().front().count : 0},
        {"hash", vocabulary.hash()}}},
      {"marks", {{"unigram_bits", corpus.marks().unigram_bits}, {"bigram_bits", corpus.marks().bigram_bits}}},
      {"splits", std::move(splits)},
      {"settings", manifest.member(manifest.root(), "settings")},
      {"sources", manifest.list(manifest.root(), "sources")}};
}

std::string corpus_text(const Json& corpus) {
  std::ostringstream out;
  out << sources_text(corpus["sources"]) << "splits\n";
  std::vector<std::vector<std::string>> rows{{"", "characters", "UTF-8 bytes", "shards", "longest"}};
  for (const Json& split : corpus["splits"]) {
    rows.push_back({split["name"].get<std::string>(), grouped(split["characters"]),
                    grouped(split["utf8_bytes"]), grouped(split["shards"]), grouped(split["longest_shard"])});
  }
  out << aligned(rows);
  for (const Json& split : corpus["splits"]) {
    out << "first lines of " << split["name"].get<std::string>() << "\n";
    for (const Json& line : split["first_lines"]) out << "  | " << line.get<std::string>() << "\n";
  }
  const Json& vocabulary = corpus["vocabulary"];
  out << "vocabulary: " << grouped(vocabulary["size"])
      << (vocabulary["unit"] == enum_name(Unit::kByte) ? " bytes" : " characters");
  if (vocabulary["unknown"]) {
    out << " with <unk>, which stands for "
        << plural(vocabulary["unknown_count"].get<uint64_t>(), "occurrence");
  }
  out << ", hash " << vocabulary["hash"].get<std::string>() << "\n" << std::fixed << std::setprecision(4);
  out << "marks to beat, in bits per character: unigram " << corpus["marks"]["unigram_bits"].get<double>()
      << ", bigram " << corpus["marks"]["bigram_bits"].get<double>() << "\n";
  out << "corpus " << corpus["path"].get<std::string>() << ", hash " << corpus["hash"].get<std::string>()
      << "\n";
  return out.str();
}

Json describe_shard(const fs::path& file) {
  const ShardReader reader(file);
  const ShardInfo& info = reader.info();
  std::vector<uint32_t> ids(std::min(kShardCharacters, info.length));
  reader.read(0, ids);
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
               {"first_ids", ids}};
  const fs::path vocabulary_file = file.parent_path() / "vocabulary.json";
  if (fs::exists(vocabulary_file)) {
    const Vocabulary vocabulary = Vocabulary::from_json(read_file(vocabulary_file), vocabulary_file.string());
    if (vocabulary.hash() == info.vocabulary_hash) {
      json["first_characters"] = decode_first(reader, vocabulary, kShardCharacters);
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
      << plural(shard["documents"].get<uint64_t>(), "document") << " begin here\n"
      << "  vocabulary " << shard["vocabulary_hash"].get<std::string>() << "\n"
      << "  first ids " << json_line(shard["first_ids"]) << "\n";
  if (shard.contains("first_characters")) {
    out << "  first characters " << json_line(shard["first_characters"]) << "\n";
  } else {
    out << "  (no vocabulary.json of this vocabulary beside it: characters not shown)\n";
  }
  return out.str();
}

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace charrnn
