#include "charrnn/corpus/corpus_recipe.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "charrnn/config/settings_table.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/text/json_source.h"

namespace charrnn {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json value_json(const Value& value) {
  return value;
}

Json value_json(const std::vector<SourceSettings>& sources) {
  Json list = Json::array();
  for (const SourceSettings& source : sources) {
    Json entry = {{"path", source.path}};
    if (source.encoding) entry["encoding"] = *source.encoding;
    if (source.json_field) entry["json_field"] = *source.json_field;
    list.push_back(entry.size() == 1 ? Json(source.path) : entry);
  }
  return list;
}

class SettingsToJson : public SettingsVisitor {
 public:
  void setting(Setting& setting) override {
    json_[std::string(setting.name)] =
        std::visit([](const auto& value) { return value_json(value); }, setting.plain());
  }
  void section(std::string_view name, const std::function<void(SettingsVisitor&)>& visit) override {
    SettingsToJson inner;
    visit(inner);
    json_[std::string(name)] = inner.take();
  }
  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

}  // namespace

Json corpus_settings_json(const CorpusSettings& settings) {
  CorpusSettings copy = settings;  // a visitor may change what it visits; this one does not
  SettingsToJson visitor;
  visit(copy, visitor);
  Json json = visitor.take();
  json.erase("output");  // a corpus may be moved
  return json;
}

std::string settings_that_differ(const std::filesystem::path& folder, const CorpusSettings& settings) {
  std::string changed;
  try {
    const JsonSource manifest(read_file(folder / "manifest.json"), folder.string());
    const Json made_by = Json(manifest.member(manifest.root(), "settings")).flatten();
    const Json given = corpus_settings_json(settings).flatten();
    for (const auto& [pointer, value] : given.items()) {
      if (pointer.starts_with("/sources") || pointer.find("_list") != std::string::npos) continue;
      if (made_by.value(pointer, Json()) == value) continue;
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
    const Json& made = manifest.member(made_by, name);
    using Value = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_enum_v<Value>) {
      if (made.is_string()) value = enum_value<Value>(made.get_ref<const std::string&>()).value_or(value);
    } else if (made.is_boolean()) {
      value = made.get<bool>();
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

}  // namespace charrnn
