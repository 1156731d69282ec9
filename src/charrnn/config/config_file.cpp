#include "charrnn/config/config_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "charrnn/config/config_paths.h"
#include "charrnn/config/contradictions.h"
#include "charrnn/config/idle_settings.h"
#include "charrnn/config/override_rules.h"
#include "charrnn/config/settings_table.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/edit_distance.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

std::string nearest(const std::string& key, const std::vector<std::string>& known) {
  return *std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(key, a) < edit_distance(key, b);
  });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Shared by all readers of one file.
struct ReadContext {
  const std::string& name;
  const std::map<std::string, std::string>& overridden;  // dotted path -> as typed
  std::map<std::string, std::string>& origins;
  std::vector<std::string> problems;

  std::string where(const YAML::Node& node, const std::string& path) const {
    if (const auto found = overridden.find(path); found != overridden.end()) return "--set " + found->second;
    return concat(name, ":", node.Mark().line + 1);
  }
};

// Visits one section of the settings and reads each from the mapping of the file.
class Reader : public SettingsVisitor {
 public:
  Reader(const YAML::Node& mapping, std::string path, ReadContext& context)
      : mapping_(mapping), path_(std::move(path)), context_(context) {}

  void setting(Setting& setting) override {
    known_.emplace_back(setting.name);
    const YAML::Node node = child(setting.name);
    if (!node.IsDefined()) return;
    const std::string path = joined_path(path_, setting.name);
    const std::string where = context_.where(node, path);
    const std::string problem = setting.read(node);
    if (problem.empty()) {
      context_.origins[path] = where;
    } else {
      context_.problems.push_back(concat(where, ": ", path, problem));
    }
  }

  void section(std::string_view key, const std::function<void(SettingsVisitor&)>& visit) override {
    known_.emplace_back(key);
    const YAML::Node node = child(key);
    if (!node.IsDefined() || node.IsNull()) return;
    const std::string path = joined_path(path_, key);
    if (!node.IsMap()) {
      context_.problems.push_back(concat(context_.where(node, path), ": ", path,
                                         " is a section: expected `key: value` pairs below it"));
      return;
    }
    Reader inner(node, path, context_);
    visit(inner);
    inner.refuse_unknown();
  }

  void refuse_unknown() {
    std::set<std::string> seen;
    for (const auto& entry : mapping_) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
      const std::string path = joined_path(path_, key);
      const std::string where = context_.where(entry.first, path);
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        context_.problems.push_back(concat(where, ": unknown key `", path, "`; did you mean `",
                                           joined_path(path_, nearest(key, known_)),
                                           "`? Valid here: ", joined(known_)));
      } else if (!seen.insert(key).second) {
        context_.problems.push_back(concat(where, ": `", path, "` is given twice; keep one"));
      }
    }
  }

 private:
  YAML::Node child(std::string_view key) const {
    const YAML::Node& mapping = mapping_;  // the const operator[] does not insert
    return mapping.IsMap() ? mapping[std::string(key)] : YAML::Node(YAML::NodeType::Undefined);
  }

  YAML::Node mapping_;
  std::string path_;
  ReadContext& context_;
  std::vector<std::string> known_;
};

// Lists, maps and quoted values are YAML; anything else is a text or a number exactly as typed: in "run #3"
// there is no comment.
YAML::Node override_value(const std::string& given, const std::string& text) {
  if (given.empty() || std::string_view("[{\"'").find(given[0]) == std::string_view::npos)
    return YAML::Node(given);
  try {
    return YAML::Load(given);
  } catch (const YAML::Exception& problem) {
    fail_usage("--set ", text, ": the value is not YAML: ", problem.msg);
  }
}

// A section given as a map changes the settings in the map and keeps the others.
void merge(YAML::Node place, const YAML::Node& value) {
  if (!value.IsMap() || !place.IsMap()) {
    place = value;
    return;
  }
  for (const auto& entry : value) merge(place[entry.first.Scalar()], entry.second);
}

void apply_override(YAML::Node& root, const std::string& text,
                    std::map<std::string, std::string>& overridden) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail_usage("--set ", text, ": expected KEY=VALUE, such as train.batch_size=256");
  }
  const std::string path = text.substr(0, equals);
  const std::string given = text.substr(equals + 1);
  const YAML::Node value = override_value(given, text);
  YAML::Node node;
  node.reset(root);
  std::istringstream parts(path);
  std::vector<std::string> keys;
  for (std::string key; std::getline(parts, key, '.');) keys.push_back(key);
  for (size_t i = 0; i + 1 < keys.size(); ++i) {
    if (node[keys[i]].IsDefined() && !node[keys[i]].IsMap() && !node[keys[i]].IsNull()) {
      fail_usage("--set ", text, ": ", keys[i], " is not a section");
    }
    if (!node[keys[i]].IsMap()) node[keys[i]] = YAML::Node(YAML::NodeType::Map);
    node.reset(node[keys[i]]);
  }
  merge(node[keys.back()], value);
  overridden[path] = text;
  // If a section is unknown, its first unknown part is reported: the message needs the origin of each part.
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    if (node.Mark().is_null()) overridden.emplace(path.substr(0, dot), text);
  }
}

void refuse(const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  std::string text;
  for (const std::string& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  throw Error(text, ErrorKind::kInput);
}

// `yaml` and then `overrides` over `defaults`.
Config parse(std::string_view yaml, const std::string& name, const std::vector<std::string>& overrides,
             const Settings& defaults) {
  Config config;
  config.name = name;
  config.settings = defaults;
  YAML::Node root;
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() > 1) {
      fail_usage(name, ":", documents[1].Mark().line + 1,
                 ": a second YAML document begins here (---), expected one config in the file: merge them, "
                 "or use two files");
    }
    if (!documents.empty()) root = documents[0];
  } catch (const YAML::Exception& problem) {
    fail_usage(name, ":", problem.mark.line + 1, ": not YAML: ", problem.msg);
  }
  if (!root.IsMap() && !root.IsNull())
    fail_usage(name, ": expected sections such as `train:` with keys below them");
  if (root.IsNull()) root = YAML::Node(YAML::NodeType::Map);
  for (const std::string& text : overrides) apply_override(root, text, config.overridden);

  ReadContext context{name, config.overridden, config.origins, {}};
  Reader reader(root, "", context);
  visit(config.settings, reader);
  reader.refuse_unknown();
  refuse(context.problems);
  return config;
}

}  // namespace

Config parse_config(std::string_view yaml, const std::string& name,
                    const std::vector<std::string>& overrides) {
  return change_settings(Settings(), yaml, name, overrides);
}

Config change_settings(const Settings& settings, std::string_view yaml, const std::string& name,
                       const std::vector<std::string>& overrides) {
  Config config = parse(yaml, name, overrides, settings);
  let_overrides_win(config);
  expand_paths(config);
  refuse(contradictions(config));
  refuse_shared_folder(config);
  note_idle_settings(config);
  return config;
}

Settings parse_saved(std::string_view yaml, const std::string& name) {
  const Config config = parse(yaml, name, {}, Settings());
  refuse(contradictions(config));
  return config.settings;
}

Config read_config(const std::string& file, const std::vector<std::string>& overrides) {
  std::string text;
  try {
    text = read_file(file);
  } catch (const Error& problem) {
    const bool is_of_shell = file.starts_with("/dev/fd/") || file.starts_with("/proc/self/fd/");
    throw Error(
        concat("the config cannot be read: ", problem.what(),
               is_of_shell
                   ? " (it is a pipe of the shell, which ranks under mpirun cannot read: write the config "
                     "to a file)"
                   : ""),
        ErrorKind::kInput);
  }
  return parse_config(text, file, overrides);
}

}  // namespace charrnn
