#include "data/manifest.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

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

Json settings_json(const CorpusSettings& settings) {
  SettingsToJson walker;
  visit_corpus(settings, walker);
  Json json = walker.take();
  json.erase("output");  // a corpus may be moved
  return json;
}

Json source_json(const SourceInfo& source) {
  Json json = {{"name", source.name},
               {"hash", source.hash},
               {"charset", "UTF-8"},
               {"bytes", source.bytes},
               {"characters", source.characters}};
  if (!source.split.empty()) json["split"] = source.split;
  return json;
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
                          const std::vector<SourceInfo>& sources, const std::vector<SplitInfo>& splits,
                          const Marks& marks) {
  Json json = {{"format", "charrnn corpus"},
               {"format_version", kCorpusFormatVersion},
               {"vocabulary_hash", vocabulary.hash()},
               {"vocabulary_size", vocabulary.size()},
               {"settings", settings_json(settings)},
               {"marks", {{"unigram_bits", marks.unigram_bits}, {"bigram_bits", marks.bigram_bits}}},
               {"splits", Json::array()},
               {"sources", Json::array()}};
  for (const SplitInfo& split : splits) json["splits"].push_back(split_json(split));
  for (const SourceInfo& source : sources) json["sources"].push_back(source_json(source));
  // File names need not be UTF-8; JSON must be.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace charrnn
