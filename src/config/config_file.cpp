#include "config/config_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "config/setting_value.h"
#include "core/atomic_file.h"
#include "core/edit_distance.h"
#include "core/error.h"

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

// Collects what every reader of one file shares.
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

// Settings that are no more, which configs and checkpoints may still have: they change nothing.
constexpr std::array<std::string_view, 1> kRetired{"run.trace_steps"};

// Walks one section of the settings beside the mapping of the file.
class Reader {
 public:
  Reader(YAML::Node mapping, std::string path, ReadContext& context)
      : mapping_(std::move(mapping)), path_(std::move(path)), context_(context) {}

  template <class T>
  void field(std::string_view key, T& value, const SettingInfo& info) {
    known_.emplace_back(key);
    const YAML::Node node = child(key);
    if (!node.IsDefined()) return;
    const std::string path = joined_path(path_, key);
    const std::string where = context_.where(node, path);
    T given = value;
    std::ostringstream found;
    found << node;
    if (!read_value(node, info, given)) {
      context_.problems.push_back(
          concat(where, ": ", path, " is `", found.str(), "`, expected ", type_of<T>(info)));
    } else if (!in_range(given, info)) {
      context_.problems.push_back(
          concat(where, ": ", path, " is ", found.str(), ", expected ", range_text(info)));
    } else {
      value = given;
      context_.origins[path] = where;
    }
  }

  template <class VisitSection>
  void section(std::string_view key, VisitSection visit_section) {
    known_.emplace_back(key);
    const YAML::Node node = child(key);
    if (!node.IsDefined() || node.IsNull()) return;
    const std::string path = joined_path(path_, key);
    if (!node.IsMap()) {
      context_.problems.push_back(concat(context_.where(node, path), ": ", path,
                                         " is a section, expected `key: value` pairs below it"));
      return;
    }
    Reader inner(node, path, context_);
    visit_section(inner);
    inner.refuse_unknown();
  }

  void refuse_unknown() {
    std::set<std::string> seen;
    for (const auto& entry : mapping_) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
      const std::string path = joined_path(path_, key);
      const std::string where = context_.where(entry.first, path);
      if (std::find(kRetired.begin(), kRetired.end(), path) != kRetired.end()) continue;
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

void find_impossible_corpus(const Config& config, std::vector<std::string>& problems) {
  const CorpusSettings& s = config.settings.corpus;
  const bool has_list = !s.split.valid_list.empty() || !s.split.test_list.empty();
  if (has_list != (s.split.by == SplitBy::kList)) {
    problems.push_back(concat(config.where("corpus.split.by"),
                              ": corpus.split.by: list and the lists corpus.split.valid_list and test_list ",
                              "belong together; give both or neither"));
  }
  if (!s.vocabulary.from.empty() && (s.vocabulary.min_count > 1 || s.vocabulary.max_size)) {
    problems.push_back(concat(config.where("corpus.vocabulary.from"),
                              ": corpus.vocabulary.from takes a vocabulary as it is; leave out ",
                              "corpus.vocabulary.min_count and max_size"));
  }
}

// What no single setting can know.
void find_impossible_combinations(const Config& config, std::vector<std::string>& problems) {
  const Settings& s = config.settings;
  if (s.train.steps && s.train.epochs) {
    problems.push_back(concat(config.where("train.epochs"), ": train.epochs and train.steps (",
                              config.where("train.steps"), ") both say how long to train; keep one"));
  }
  if (s.corpus.split.valid + s.corpus.split.test >= 1.0) {
    problems.push_back(concat(config.where("corpus.split.valid"),
                              ": corpus.split.valid and corpus.split.test are ",
                              number_text(s.corpus.split.valid + s.corpus.split.test),
                              " together, expected less than 1 so that something is left to train on"));
  }
  find_impossible_corpus(config, problems);
  if (s.train.steps && s.train.schedule.warmup_steps > *s.train.steps) {
    problems.push_back(concat(config.where("train.schedule.warmup_steps"),
                              ": train.schedule.warmup_steps is ", s.train.schedule.warmup_steps,
                              ", longer than the run of ", *s.train.steps, " train.steps"));
  }
  if (s.model.tied_weights && (s.model.input != InputLayer::kEmbedding || s.model.head != Head::kLinear ||
                               s.model.embedding_size != s.model.hidden_size)) {
    problems.push_back(concat(config.where("model.tied_weights"), ": model.tied_weights needs model.input: ",
                              "embedding, model.head: linear and model.embedding_size (",
                              s.model.embedding_size, ") equal to model.hidden_size (", s.model.hidden_size,
                              ")"));
  }
  const OptimizerSettings& optimizer = s.train.optimizer;
  const bool is_adam = optimizer.name == OptimizerName::kAdam || optimizer.name == OptimizerName::kAdamW;
  if (optimizer.momentum > 0 && is_adam) {
    problems.push_back(concat(config.where("train.optimizer.momentum"),
                              ": train.optimizer.momentum belongs to sgd and rmsprop, this run uses ",
                              enum_name(optimizer.name), ", whose momentum is beta1"));
  }
  if (optimizer.nesterov && (optimizer.name != OptimizerName::kSgd || optimizer.momentum == 0)) {
    problems.push_back(concat(config.where("train.optimizer.nesterov"),
                              ": train.optimizer.nesterov belongs to sgd with a momentum above 0"));
  }
  if (optimizer.amsgrad && !is_adam) {
    problems.push_back(concat(config.where("train.optimizer.amsgrad"),
                              ": train.optimizer.amsgrad belongs to adam and adamw, this run uses ",
                              enum_name(optimizer.name)));
  }
  if (s.comm.straggler_factor > 0 && s.comm.straggler_factor <= 1) {
    problems.push_back(concat(config.where("comm.straggler_factor"), ": comm.straggler_factor is ",
                              number_text(s.comm.straggler_factor),
                              ", expected more than 1, or 0 for never"));
  }
  if (s.train.scale_learning_rate != RateScale::kNone && !s.train.reference_batch_size) {
    problems.push_back(
        concat(config.where("train.scale_learning_rate"), ": train.scale_learning_rate needs ",
               "train.reference_batch_size, the batch that optimizer.learning_rate was found for"));
  }
  for (const auto& [path, weights] :
       {std::pair("evaluate.weights", s.evaluate.weights), std::pair("sample.weights", s.sample.weights)}) {
    if (weights == WeightsUsed::kAverage && !s.train.average_decay) {
      problems.push_back(
          concat(config.where(path), ": ", path, ": average needs train.average_decay, such as 0.999"));
    }
  }
  if (s.evaluate.patience && !s.evaluate.every.is_on()) {
    problems.push_back(concat(config.where("evaluate.patience"), ": evaluate.patience needs evaluate.every"));
  }
  if (s.train.reset_state == ResetState::kDocument && s.train.sampling == Sampling::kRandom) {
    problems.push_back(concat(config.where("train.reset_state"),
                              ": train.reset_state: document is for sequential ",
                              "sampling; with random sampling every window starts from zero state"));
  }
  if (s.train.sequence_length.is_range() && s.train.sampling == Sampling::kRandom) {
    problems.push_back(concat(config.where("train.sequence_length"), ": train.sequence_length is a range (",
                              s.train.sequence_length.text(), "), which is for sequential sampling: with ",
                              "random sampling all windows are equally long; give one number"));
  }
  if (s.train.schedule.name == ScheduleName::kPlateau && !s.evaluate.every.is_on()) {
    problems.push_back(concat(config.where("train.schedule.name"), ": train.schedule.name: plateau watches ",
                              "the validation values; give evaluate.every"));
  }
  if (s.comm.backend == Backend::kNccl && s.run.device == DeviceName::kCpu) {
    problems.push_back(concat(config.where("comm.backend"),
                              ": comm.backend nccl needs GPUs, but run.device is cpu (",
                              config.where("run.device"), "); use mpi or auto"));
  }
}

void apply_override(YAML::Node& root, const std::string& text,
                    std::map<std::string, std::string>& overridden) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail_usage("--set ", text, ": expected KEY=VALUE, such as train.batch_size=256");
  }
  const std::string path = text.substr(0, equals);
  const std::string given = text.substr(equals + 1);
  YAML::Node value;
  try {
    value = given == "-" ? YAML::Node(given) : YAML::Load(given);  // standard input, not a list of nothing
  } catch (const YAML::Exception& problem) {
    fail_usage("--set ", text, ": the value is not YAML: ", problem.msg);
  }
  if (value.IsNull()) value = YAML::Node(std::string());
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
  node[keys.back()] = value;
  overridden[path] = text;
  // An unknown section would be reported by the name of its first unknown part.
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    if (node.Mark().is_null()) overridden.emplace(path.substr(0, dot), text);
  }
}

}  // namespace

std::string Config::where(const std::string& path) const {
  const auto found = origins.find(path);
  return found == origins.end() ? concat(name, " (", path, " has its default)") : found->second;
}

Config parse_config(std::string_view yaml, const std::string& name,
                    const std::vector<std::string>& overrides) {
  Config config;
  config.name = name;
  YAML::Node root;
  try {
    root = YAML::Load(std::string(yaml));
  } catch (const YAML::Exception& problem) {
    fail_usage(name, ":", problem.mark.line + 1, ": not YAML: ", problem.msg);
  }
  if (!root.IsMap() && !root.IsNull())
    fail_usage(name, ": expected sections such as `train:` with keys below them");
  if (root.IsNull()) root = YAML::Node(YAML::NodeType::Map);
  std::map<std::string, std::string> overridden;
  for (const std::string& text : overrides) apply_override(root, text, overridden);

  ReadContext context{name, overridden, config.origins, {}};
  Reader reader(root, "", context);
  visit(config.settings, reader);
  reader.refuse_unknown();
  if (context.problems.empty()) find_impossible_combinations(config, context.problems);
  if (!context.problems.empty()) {
    std::string text;
    for (const std::string& problem : context.problems) text += (text.empty() ? "" : "\n") + problem;
    throw Error(text, ExitCode::kUsage);
  }
  return config;
}

Config read_config(const std::string& file, const std::vector<std::string>& overrides) {
  std::string text;
  try {
    text = read_file(file);
  } catch (const Error& problem) {
    throw Error(concat("the config cannot be read: ", problem.what()), ExitCode::kUsage);
  }
  return parse_config(text, file, overrides);
}

}  // namespace charrnn
