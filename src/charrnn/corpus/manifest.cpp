#include "charrnn/corpus/manifest.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "charrnn/corpus/corpus_recipe.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/text/normalizer.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

using Json = nlohmann::ordered_json;

const char* evidence_name(CharsetEvidence evidence) {
  switch (evidence) {
    case CharsetEvidence::kMark:
      return "byte order mark";
    case CharsetEvidence::kDeclared:
      return "declared in the text";
    case CharsetEvidence::kValidUtf8:
      return "the bytes";
    case CharsetEvidence::kDetected:
      return "detector";
    case CharsetEvidence::kGiven:
      return "given";
  }
  return "";
}

Json source_json(const SourceInfo& source) {
  const CleaningCounts& counts = source.counts;
  Json json = {{"name", source.name},
               {"hash", source.hash},
               {"charset", source.charset.name},
               {"found_by", evidence_name(source.charset.evidence)}};
  if (source.charset.evidence == CharsetEvidence::kDetected) json["confidence"] = source.charset.confidence;
  if (!source.charset.declared.empty()) json["declared"] = source.charset.declared;
  json["bytes"] = source.bytes;
  json["documents"] = source.documents;
  json["decoded"] = counts.decoded;
  json["invalid"] = counts.invalid;
  Json changes = Json::object();
  CleaningCounts::visit_changes(counts, [&](const char* name, int64_t change) {
    if (change != 0) changes[name] = change;
  });
  json["changes"] = std::move(changes);
  json["characters"] = counts.kept;
  if (source.cuts_refused) json["gutenberg_refused"] = true;
  if (source.behind_cut) json["behind_cut"] = true;
  if (source.lines_left_out > 0) {
    json["lines_left_out"] = source.lines_left_out;
    json["first_line_left_out"] = source.first_line_left_out;
  }
  if (!source.split.empty()) json["split"] = source.split;
  return json;
}

Json left_out_json(const SourceInfo& source) {
  return {{"name", source.name}, {"hash", source.hash}, {"bytes", source.bytes}, {"reason", source.problem}};
}

Json unknown_json(const UnknownInfo& unknown, Unit unit) {
  Json list = Json::array();
  for (const Vocabulary::Character& character : unknown.most_frequent) {
    std::string text;
    if (unit == Unit::kCodePoint) append_utf8(character.value, text);
    list.push_back(
        {{"character", unit == Unit::kByte ? Json(static_cast<uint32_t>(character.value)) : Json(text)},
         {"count", character.count}});
  }
  return {{"count", unknown.count}, {"distinct", unknown.distinct}, {"most_frequent", std::move(list)}};
}

Json copies_json(const CopiesInfo& copies) {
  Json first = Json::array();
  for (const CopiesInfo::HeldOut& document : copies.first) {
    first.push_back({{"name", document.name},
                     {"split", document.split},
                     {"copy_in_train", document.copy},
                     {"equal", document.is_equal}});
  }
  return {{"documents", copies.documents},
          {"held_out_with_copies_in_train", copies.held_out},
          {"equal", copies.equal},
          {"characters", copies.held_out_characters},
          {"of_held_out_characters", copies.characters},
          {"first", std::move(first)}};
}

Json split_json(const SplitInfo& split) {
  Json shards = Json::array();
  for (const SplitInfo::Shard& shard : split.shards) {
    shards.push_back(
        {{"file", shard.file.filename().string()}, {"length", shard.length}, {"hash", shard.hash}});
  }
  return {{"name", split.name},
          {"characters", split.characters},
          {"utf8_bytes", split.utf8_bytes},
          {"shards", std::move(shards)}};
}

}  // namespace

std::string manifest_json(const CorpusSettings& settings, const Vocabulary& vocabulary,
                          const Manifest& manifest) {
  Json json = {
      {"format", "charrnn corpus"},
      {"format_version", kCorpusFormatVersion},
      {"icu", unicode_library()},
      {"vocabulary_hash", vocabulary.hash()},
      {"vocabulary_size", vocabulary.size()},
      {"settings", corpus_settings_json(settings)},
      {"baselines",
       {{"unigram_bits", manifest.baselines.unigram_bits}, {"bigram_bits", manifest.baselines.bigram_bits}}},
      {"unknown", unknown_json(manifest.unknown, vocabulary.unit())},
      {"split_by", enum_name(manifest.split_by)},
      {"splits", Json::array()},
      {"sources", Json::array()},
      {"left_out", Json::array()}};
  if (manifest.targets) json["targets"] = source_json(*manifest.targets);
  if (manifest.run_together.documents > 0) {
    json["run_together"] = {{"documents", manifest.run_together.documents},
                            {"first", manifest.run_together.first}};
  }
  if (manifest.copies) json["copies"] = copies_json(*manifest.copies);
  for (const SplitInfo& split : manifest.splits) json["splits"].push_back(split_json(split));
  for (const SourceInfo& source : manifest.sources) {
    if (source.problem.empty()) {
      json["sources"].push_back(source_json(source));
    } else {
      json["left_out"].push_back(left_out_json(source));
    }
  }
  // File names need not be UTF-8; JSON must be.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace charrnn
