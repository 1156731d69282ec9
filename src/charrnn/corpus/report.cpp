#include "charrnn/corpus/report.h"

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/describe.h"
#include "charrnn/corpus/remarks.h"
#include "charrnn/corpus/report_text.h"
#include "charrnn/text/cleaning_counts.h"
#include "charrnn/text/invisible.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kSourcesShown = 10;
constexpr size_t kCharactersShown = 12;

std::string shown_unit(char32_t value, bool bytes) {
  return bytes && value >= 0x80 ? concat("byte ", static_cast<uint32_t>(value)) : shown_character(value);
}

// The most frequent characters with their counts, most frequent first.
std::string vocabulary_text(const Json& characters, bool bytes) {
  std::vector<std::pair<uint64_t, std::string>> by_count;
  for (const Json& entry : characters) {
    std::string name = entry["character"].get<std::string>();
    if (name != "<unk>") name = shown_unit(decode_utf8(name)[0], bytes);
    by_count.emplace_back(entry["count"].get<uint64_t>(), std::move(name));
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
                    grouped(source["decoded"]), grouped(source["characters"]), source.value("split", ""),
                    charset_text(source)});
  }
  std::string text = "sources: " + plural(sources.size(), "file") + ", " + plural(bytes, "byte") +
                     " (decoded and kept: characters before and after cleaning)\n" + aligned(rows);
  if (sources.size() > kSourcesShown)
    text += "  ... and " + with_thousands(sources.size() - kSourcesShown) +
            " more (--json and manifest.json list all)\n";
  return text;
}

// How many characters were decoded, and how cleaning changed that number, over all sources.
std::string cleaning_text(const Json& sources, uint64_t in_splits) {
  uint64_t decoded = 0;
  uint64_t kept = 0;
  uint64_t invalid = 0;
  std::vector<std::pair<std::string, int64_t>> changes;  // in the order of the stages
  const CleaningCounts none;
  CleaningCounts::visit_changes(none, [&](const char* stage, int64_t) { changes.emplace_back(stage, 0); });
  for (const Json& source : sources) {
    decoded += source["decoded"].get<uint64_t>();
    kept += source["characters"].get<uint64_t>();
    invalid += source["invalid"].get<uint64_t>();
    for (auto& [stage, change] : changes) change += source["changes"].value(stage, int64_t{0});
  }
  std::vector<std::vector<std::string>> rows{{"decoded", with_thousands(decoded)}};
  for (const auto& [stage, change] : changes) {
    if (change == 0) continue;
    rows.push_back({stage, concat(change < 0 ? "-" : "+", with_thousands(std::abs(change)))});
  }
  rows.push_back({"kept", with_thousands(kept)});
  if (in_splits > kept) rows.push_back({"document_end", concat("+", with_thousands(in_splits - kept))});
  std::string text = "characters before and after cleaning\n" + aligned(rows);
  if (invalid > 0) text += "  " + plural(invalid, "malformed byte sequence") + " replaced or skipped\n";
  return text;
}

// "targets: upper.txt, 5 characters, one for each character of the corpus"
std::string targets_text(const Json& targets) {
  if (targets.is_null()) return "";
  return concat("targets: ", targets["name"].get<std::string>(), ", ",
                plural(targets["characters"].get<int64_t>(), "character"),
                ", one for each character of the corpus (corpus.targets)\n");
}

std::string unknown_text(const Json& unknown, uint64_t in_splits) {
  std::string text =
      concat(" with <unk>, which replaces ", plural(unknown["count"].get<int64_t>(), "occurrence"), " of ",
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
  return list.empty() ? text : text + "\n  the most frequent of them: " + list;
}

std::string splits_text(const Json& corpus) {
  std::vector<std::vector<std::string>> rows{{"", "characters", "UTF-8 bytes", "shards", "longest shard"}};
  for (const Json& split : corpus["splits"]) {
    rows.push_back({split["name"].get<std::string>(), grouped(split["characters"]),
                    grouped(split["utf8_bytes"]), grouped(split["shards"]), grouped(split["longest_shard"])});
  }
  return concat("splits (method: ", corpus["split_by"].get<std::string>(), ")\n", aligned(rows));
}

std::string first_lines_text(const Json& splits) {
  std::string text;
  const auto add = [&](const Json& lines) {
    for (const Json& line : lines) text += "  | " + visible(line.get<std::string>()) + "\n";
  };
  for (const Json& split : splits) {
    text += "first lines of " + split["name"].get<std::string>() + "\n";
    add(split["first_lines"]);
    if (!split.contains("first_lines_of_targets")) continue;
    text += "  and their targets\n";
    add(split["first_lines_of_targets"]);
  }
  return text;
}

std::string baselines_text(const Json& baselines, bool has_targets) {
  return concat("baselines, in bits per character", has_targets ? " (of the targets)" : "", ": unigram ",
                fixed(baselines["unigram_bits"].get<double>(), 4), ", bigram ",
                fixed(baselines["bigram_bits"].get<double>(), 4), "\n");
}

}  // namespace

std::string corpus_text(const Json& corpus) {
  uint64_t in_splits = 0;
  for (const Json& split : corpus["splits"]) in_splits += split["characters"].get<uint64_t>();
  const Json& vocabulary = corpus["vocabulary"];
  const bool bytes = vocabulary["unit"] == enum_name(Unit::kByte);
  const bool has_targets = !corpus["targets"].is_null();  // then the vocabulary counts them, too
  std::string text = sources_text(corpus["sources"]) +
                     cleaning_text(corpus["sources"], bytes ? 0 : in_splits) + remarks_text(corpus) +
                     targets_text(corpus["targets"]) + splits_text(corpus) +
                     first_lines_text(corpus["splits"]);
  text += concat("vocabulary: ", grouped(vocabulary["size"]), bytes ? " bytes" : " characters", ", hash ",
                 vocabulary["hash"].get<std::string>());
  if (vocabulary["unknown"]) {
    text += concat(",", unknown_text(corpus["unknown"], has_targets ? 2 * in_splits : in_splits));
  }
  return text + concat("\n", vocabulary_text(vocabulary["characters"], bytes),
                       baselines_text(corpus["baselines"], has_targets), "corpus ",
                       corpus["path"].get<std::string>(), ", hash ", corpus["hash"].get<std::string>(), "\n");
}

std::string shard_text(const Json& shard) {
  std::ostringstream out;
  out << "shard " << shard["path"].get<std::string>() << "\n"
      << "  split " << shard["split"].get<std::string>() << ", shard " << shard["shard"] << " of "
      << shard["shard_count"] << " (counted from 0), format version " << shard["format_version"] << "\n"
      << "  " << grouped(shard["characters"]) << " ids, bytes in each: " << shard["id_bytes"] << "; "
      << plural(shard["documents"].get<int64_t>(), "document")
      << (shard["documents"] == 1 ? " begins" : " begin") << " in it\n"
      << "  vocabulary " << shard["vocabulary_hash"].get<std::string>() << "\n"
      << "  first ids " << json_line(shard["first_ids"]) << "\n";
  if (shard["has_targets"]) out << "  their targets " << json_line(shard["first_targets"]) << "\n";
  if (shard.contains("first_characters")) {
    out << "  first characters " << json_line(shard["first_characters"]) << "\n";
    if (shard["has_targets"])
      out << "  their targets " << json_line(shard["first_target_characters"]) << "\n";
  } else {
    out << "  (characters not shown: the folder has no vocabulary.json with this hash)\n";
  }
  return out.str();
}

}  // namespace charrnn
