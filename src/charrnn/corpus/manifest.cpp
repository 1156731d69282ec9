#include "charrnn/corpus/manifest.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/text/json_source.h"
#include "charrnn/text/normalizer.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

using Json = nlohmann::ordered_json;

// Walks the settings as visit_corpus lists them.
class SettingsToJson {
 public:
  template <class Value>
  void field(std::string_view name, const Value& value, const SettingInfo&) {
    json_[std::string(name)] = value;
  }
  void field(std::string_view name, const std::vector<SourceSettings>& sources, const SettingInfo&) {
    Json list = Json::array();
    for (const SourceSettings& source : sources) {
      Json entry = {{"path", source.path}};
      if (source.encoding) entry["encoding"] = *source.encoding;
      if (source.json_field) entry["json_field"] = *source.json_field;
      list.push_back(entry.size() == 1 ? Json(source.path) : entry);
    }
    json_[std::string(name)] = std::move(list);
  }
  template <class Value>
  void field(std::string_view name, const std::optional<Value>& value, const SettingInfo& info) {
    json_[std::string(name)] = value ? Json(*value) : Json(info.word);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void field(std::string_view name, const Enum& value, const SettingInfo&) {
    json_[std::string(name)] = enum_name(value);
  }
  template <class Visit>
  void section(std::string_view name, Visit visit) {
    SettingsToJson inner;
    visit(inner);
    json_[std::string(name)] = inner.json_;
  }
  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

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

SourceInfo source_info(const Source& source, const Examined& examined) {
  SourceInfo info;
  info.name = source.name;
  info.bytes = source.bytes;
  info.hash = source.hash.empty() ? examined.hash : source.hash;
  info.charset = examined.facts.charset;
  info.cuts_refused = examined.facts.cuts_refused;
  info.problem = examined.problem;
  return info;
}

void SourceInfo::note(const CleanBlock& clean) {
  for (const DocumentPart& part : clean.parts) documents += part.begins ? 1 : 0;
  counts.add(clean.counts);
  if (lines_left_out == 0) first_line_left_out = clean.problem;
  lines_left_out += clean.lines_left_out;
}

std::string document_name(const std::string& source, uint64_t line) {
  return line == 0 ? source : concat(source, ":", line);
}

void RunTogether::note(const CleanBlock& clean, const std::string& source) {
  std::string_view text = clean.block.text;
  for (const DocumentPart& part : clean.parts) {
    const std::string_view own = text.substr(0, part.bytes);
    text.remove_prefix(part.bytes);
    if (own.empty()) continue;
    if (part.begins && is_open_ && documents++ == 0) first = last_;
    is_open_ = !part.has_end && std::string_view(" \t\n\r").find(own.back()) == std::string_view::npos;
    if (is_open_ && documents == 0) last_ = document_name(source, part.line);
  }
}

Json corpus_settings_json(const CorpusSettings& settings) {
  SettingsToJson walker;
  visit_corpus(settings, walker);
  Json json = walker.take();
  json.erase("output");  // a corpus may be moved
  return json;
}

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

std::string settings_that_differ(const std::filesystem::path& folder, const CorpusSettings& now) {
  std::string changed;
  try {
    const JsonSource manifest(read_file(folder / "manifest.json"), folder.string());
    const Json then = Json(manifest.member(manifest.root(), "settings")).flatten();
    const Json present = corpus_settings_json(now).flatten();
    for (const auto& [pointer, value] : present.items()) {
      if (pointer.starts_with("/sources") || pointer.find("_list") != std::string::npos) continue;
      if (!then.contains(pointer) || then[pointer] == value) continue;
      std::string name = "corpus" + pointer;
      std::replace(name.begin(), name.end(), '/', '.');
      changed += (changed.empty() ? "" : ", ") + name;
    }
  } catch (const std::exception&) {
    changed.clear();
  }
  return changed;
}

CorpusSettings with_recipe_of(const std::filesystem::path& folder, CorpusSettings settings) {
  const JsonSource manifest(read_file(folder / "manifest.json"), folder.string());
  const Json& made_by = manifest.member(manifest.root(), "settings");
  const auto take = [&](const char* name, auto& value) {
    const auto found = made_by.find(name);
    using Value = std::remove_reference_t<decltype(value)>;
    if (found == made_by.end()) {
      value = Value{};  // of an older charrnn, which had the default
    } else if constexpr (std::is_enum_v<Value>) {
      for (size_t i = 0; i < EnumNames<Value>::names.size(); ++i) {
        if (*found == EnumNames<Value>::names[i]) value = static_cast<Value>(i);
      }
    } else if (found->is_boolean()) {
      value = found->template get<bool>();
    }
  };
  take("line_ends", settings.line_ends);
  take("invisible_characters", settings.invisible_characters);
  take("normalization", settings.normalization);
  take("transliterate", settings.transliterate);
  take("lower_case", settings.lower_case);
  take("letters_only", settings.letters_only);
  take("join_lines", settings.join_lines);
  take("collapse_blanks", settings.collapse_blanks);
  return settings;
}

std::optional<std::vector<std::string>> hashes_if_same(const std::filesystem::path& folder,
                                                       const CorpusSettings& settings,
                                                       const std::vector<SourceState>& sources,
                                                       const std::optional<SourceState>& targets) {
  try {
    const CorpusFolder corpus = CorpusFolder::open(folder);
    const std::filesystem::path file = folder / "manifest.json";
    const JsonSource manifest(read_file(file), file.string());
    const auto as_read_back = [](const Json& json) {  // replaced bytes and all
      return Json::parse(json.dump(-1, ' ', false, Json::error_handler_t::replace));
    };
    // A setting that an older charrnn did not have was what its default is now.
    Json made_by = corpus_settings_json(CorpusSettings());
    made_by.merge_patch(manifest.member(manifest.root(), "settings"));
    if (manifest.text(manifest.root(), "icu") != unicode_library() ||
        made_by != as_read_back(corpus_settings_json(settings))) {
      return std::nullopt;
    }
    std::multimap<std::string, std::pair<uint64_t, std::string>> known;
    for (const char* list : {"sources", "left_out"}) {
      for (const Json& entry : manifest.list(manifest.root(), list)) {
        known.emplace(manifest.text(entry, "name"),
                      std::pair(manifest.number(entry, "bytes"), manifest.text(entry, "hash")));
      }
    }
    std::vector<std::string> hashes;
    for (const SourceState& source : sources) {
      const auto found = known.find(as_read_back(source.name).get<std::string>());
      if (found == known.end() || found->second.first != source.bytes) return std::nullopt;
      hashes.push_back(found->second.second);
      known.erase(found);
    }
    if (!known.empty()) return std::nullopt;
    if (targets) {
      const Json& entry = manifest.member(manifest.root(), "targets");
      if (manifest.number(entry, "bytes") != targets->bytes) return std::nullopt;
      hashes.push_back(manifest.text(entry, "hash"));
    }
    return hashes;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace charrnn
