#include "charrnn/checkpoint/checkpoint.h"

#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>

#include "charrnn/checkpoint/safetensors.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/version.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {
namespace {

using nlohmann::json;

constexpr const char* kFormatVersion = "2";
constexpr std::string_view kMomentPrefix = "optimizer.";
constexpr std::string_view kAveragePrefix = "average.";

// nlohmann-json writes the shortest text that is read back as the same double.
json to_json(const SavedStates& saved) {
  json owners = json::object();
  for (const auto& [owner, fields] : saved.owners()) {
    for (const auto& [name, value] : fields) {
      json& written = owners[owner][name];
      std::visit([&written](auto number) { written = number; }, value);
    }
  }
  return owners;
}

SavedStates::Value value_from(const json& number) {
  if (number.is_boolean()) return number.get<bool>();
  if (number.is_number_unsigned()) return number.get<uint64_t>();
  if (number.is_number_integer()) return number.get<int64_t>();
  return number.get<double>();
}

SavedStates saved_from(const json& owners, const std::string& origin) {
  SavedStates saved(origin);
  for (const auto& [owner, fields] : owners.items()) {
    for (const auto& [name, number] : fields.items()) saved.owners()[owner][name] = value_from(number);
  }
  return saved;
}

}  // namespace

void Checkpoint::describe(const CorpusFolder& corpus) {
  vocabulary_json = corpus.vocabulary().to_json();
  corpus_hash = corpus.hash();
  has_targets = corpus.has_targets();
  baselines = corpus.baselines();
}

std::map<std::string, std::string> metadata_of(const Checkpoint& checkpoint) {
  return {{"format", "pt"},  // for other programs: the framework whose names these are
          {"format_version", kFormatVersion},
          {"build", concat("charrnn ", version(), " ", commit())},
          {"config", to_yaml(checkpoint.settings)},
          {"vocabulary", checkpoint.vocabulary_json},
          {"corpus_hash", checkpoint.corpus_hash},
          {"targets", checkpoint.has_targets ? "aligned" : "successor"},
          {"baselines", json{{"unigram_bits", checkpoint.baselines.unigram_bits},
                             {"bigram_bits", checkpoint.baselines.bigram_bits}}
                            .dump()},
          {"step", std::to_string(checkpoint.step)},
          {"good", checkpoint.is_good ? "true" : "false"},
          {"saved", to_json(checkpoint.saved).dump()}};
}

Checkpoint from_metadata(const std::map<std::string, std::string>& metadata, const std::string& origin) {
  const auto field = [&](const char* name) -> const std::string& {
    const auto found = metadata.find(name);
    check(found != metadata.end(), "its metadata have no field \"", name,
          "\": expected a checkpoint of charrnn");
    return found->second;
  };
  Checkpoint checkpoint;
  try {
    check(field("format_version") == kFormatVersion, "it has format version ", field("format_version"),
          ", this version of charrnn reads ", kFormatVersion);
    checkpoint.settings = parse_saved(field("config"), "the config in " + origin);
    checkpoint.vocabulary_json = field("vocabulary");
    checkpoint.corpus_hash = field("corpus_hash");
    checkpoint.has_targets = field("targets") == "aligned";
    const json baselines = json::parse(field("baselines"));
    checkpoint.baselines = {baselines.at("unigram_bits").get<double>(),
                            baselines.at("bigram_bits").get<double>()};
    checkpoint.step = json::parse(field("step")).get<int64_t>();
    checkpoint.is_good = field("good") == "true";
    checkpoint.saved = saved_from(json::parse(field("saved")), origin);
  } catch (const json::exception& problem) {
    fail(origin, " is not a checkpoint of charrnn: ", problem.what());
  } catch (const Error& problem) {
    fail(origin, " cannot be used: ", problem.what());
  }
  return checkpoint;
}

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  SafetensorsFile file;
  file.metadata = metadata_of(checkpoint);
  file.tensors = checkpoint.weights;
  for (const auto& [moment, tensors] : checkpoint.moments) {
    for (const auto& [weight, tensor] : tensors) {
      file.tensors[concat(kMomentPrefix, moment, ".", weight)] = tensor;
    }
  }
  for (const auto& [weight, tensor] : checkpoint.average)
    file.tensors[concat(kAveragePrefix, weight)] = tensor;
  if (checkpoint.state.h.defined()) {
    for (const auto& [part, tensor] : checkpoint.state.parts()) file.tensors[concat("state.", part)] = tensor;
  }
  write_safetensors(path, file);
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  const SafetensorsFile file = read_safetensors(path);
  Checkpoint checkpoint = from_metadata(file.metadata, path.string());
  checkpoint.is_edited = file.is_edited;
  if (file.is_edited) {
    log::warning(
        concat(path,
               " was changed by another program after charrnn wrote it (its digest differs): its weights "
               "are used as they are"));
  }
  for (const auto& [name, tensor] : file.tensors) {
    if (name == "state.h") {
      checkpoint.state.h = tensor;
    } else if (name == "state.c") {
      checkpoint.state.c = tensor;
    } else if (name.starts_with(kAveragePrefix)) {
      checkpoint.average[name.substr(kAveragePrefix.size())] = tensor;
    } else if (name.starts_with(kMomentPrefix)) {
      const std::string rest = name.substr(kMomentPrefix.size());
      const size_t dot = rest.find('.');
      check(dot != std::string::npos, path, " cannot be used: the tensor ", name, " belongs to no weight");
      checkpoint.moments[rest.substr(0, dot)][rest.substr(dot + 1)] = tensor;
    } else {
      checkpoint.weights[name] = tensor;
    }
  }
  return checkpoint;
}

void load_weights(const Checkpoint& checkpoint, CharRnn& model, WeightsUsed which) {
  const c10::AutoGradMode no_grad(false);
  const bool is_average = which == WeightsUsed::kAverage;
  if (is_average && checkpoint.average.empty()) {
    fail_usage("the run keeps no average of its weights (train.average_decay): use those of the last step");
  }
  const auto& weights = is_average ? checkpoint.average : checkpoint.weights;
  for (const Parameters::Parameter& parameter : model.parameters().list()) {
    const auto found = weights.find(parameter.name);
    check(found != weights.end(), "the checkpoint has no weight ", parameter.name,
          ", which its config requires");
    check(found->second.sizes() == parameter.value.sizes(), "the weight ", parameter.name, " has shape ",
          found->second.sizes(), " in the checkpoint, its config requires ", parameter.value.sizes());
    parameter.value.detach().copy_(found->second);
  }
}

CharRnn model_of(const Checkpoint& checkpoint, at::Device device, WeightsUsed which) {
  const Vocabulary vocabulary = Vocabulary::from_json(checkpoint.vocabulary_json, "the checkpoint");
  CharRnn model(checkpoint.settings.model, static_cast<int64_t>(vocabulary.size()), at::kFloat, device);
  load_weights(checkpoint, model, which);
  return model;
}

}  // namespace charrnn
