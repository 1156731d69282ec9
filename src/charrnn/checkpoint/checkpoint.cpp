#include "charrnn/checkpoint/checkpoint.h"

#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>
#include <numbers>

#include "charrnn/checkpoint/safetensors.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/version.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {
namespace {

using nlohmann::json;

constexpr const char* kFormatVersion = "1";
constexpr std::string_view kMomentPrefix = "optimizer.";
constexpr std::string_view kAveragePrefix = "average.";

// A field that checkpoints of earlier charrnns lack: it keeps its default.
constexpr bool kAdded = true;

// Every field once, for writing and reading.
template <class Self, class Visitor>
void visit(Self& p, const Visitor& v) {
  v("step", p.step);
  v("epoch", p.position.epoch);
  v("place", p.position.place);
  v("done", p.position.done);
  v("characters", p.characters);
  v("seconds", p.seconds);
  v("window_loss_sum", p.window_loss_sum);
  v("window_count", p.window_count);
  v("last_loss", p.last_loss);
  v("best_loss", p.best_loss);
  v("values_since_best", p.values_since_best, kAdded);
  v("skipped_in_a_row", p.skipped_in_a_row);
  v("skipped", p.skipped);
  v("spikes", p.spikes, kAdded);
  v("norm_count", p.norms.count, kAdded);
  v("norm_mean", p.norms.mean, kAdded);
  v("norm_variance", p.norms.variance, kAdded);
  v("good_step", p.good_step, kAdded);
  v("evaluation_pending", p.evaluation_pending, kAdded);
  v("samples_pending", p.samples_pending, kAdded);
  v("rollbacks", p.rollbacks, kAdded);
  v("rollback_step", p.rollback_step, kAdded);
  v("rate_factor", p.rate_factor, kAdded);
  v("plateau_best", p.plateau.best, kAdded);
  v("plateau_values_since", p.plateau.values_since, kAdded);
  v("plateau_cooldown_left", p.plateau.cooldown_left, kAdded);
  v("plateau_rate_factor", p.plateau.rate_factor, kAdded);
  v("loss_scale", p.loss_scale.scale, kAdded);
  v("loss_scale_good_steps", p.loss_scale.good_steps, kAdded);
  v("pitfalls_said", p.pitfalls_said, kAdded);
  v("unjudged_loss_sum", p.unjudged_loss_sum, kAdded);
  v("unjudged_count", p.unjudged_count, kAdded);
  v("was_below_unigram", p.was_below_unigram, kAdded);
  v("metrics_bytes", p.metrics_bytes);
  v("samples_bytes", p.samples_bytes);
}

// nlohmann-json prints the shortest text that reads back to the same double.
json to_json(const Progressed& progress) {
  json fields;
  visit(progress, [&](const char* name, const auto& value, bool = false) { fields[name] = value; });
  return fields;
}

Progressed progress_from(const json& fields) {
  Progressed progress;
  visit(progress, [&](const char* name, auto& value, bool is_added = false) {
    if (!is_added || fields.contains(name)) fields.at(name).get_to(value);
  });
  return progress;
}

}  // namespace

bool is_good(const Progressed& progress, const Baselines& baselines) {
  const double worst = 2 * baselines.unigram_bits * std::numbers::ln2;  // nats
  const bool window_is_good =
      progress.window_count == 0 || progress.window_loss_sum / progress.window_count <= worst;
  return progress.skipped_in_a_row == 0 && progress.last_loss <= worst && window_is_good;
}

std::map<std::string, std::string> metadata_of(const Checkpoint& checkpoint) {
  return {{"format", "pt"},  // for readers that ask which framework's names these are
          {"format_version", kFormatVersion},
          {"build", concat("charrnn ", version(), " ", commit())},
          {"config", to_yaml(checkpoint.settings)},
          {"vocabulary", checkpoint.vocabulary_json},
          {"corpus_hash", checkpoint.corpus_hash},
          {"targets", checkpoint.has_targets ? "aligned" : "successor"},
          {"baselines", json{{"unigram_bits", checkpoint.baselines.unigram_bits},
                             {"bigram_bits", checkpoint.baselines.bigram_bits}}
                            .dump()},
          {"progress", to_json(checkpoint.progress).dump()}};
}

Checkpoint from_metadata(const std::map<std::string, std::string>& metadata, const std::string& origin) {
  Checkpoint checkpoint;
  try {
    check(metadata.at("format_version") == kFormatVersion, "it has format version ",
          metadata.at("format_version"), ", this charrnn reads ", kFormatVersion);
    checkpoint.settings = parse_saved(metadata.at("config"), "the config in " + origin);
    checkpoint.vocabulary_json = metadata.at("vocabulary");
    checkpoint.corpus_hash = metadata.at("corpus_hash");
    const auto targets = metadata.find("targets");  // earlier charrnns had no other than successors
    checkpoint.has_targets = targets != metadata.end() && targets->second == "aligned";
    const json baselines = json::parse(metadata.at("baselines"));
    checkpoint.baselines = {baselines.at("unigram_bits").get<double>(),
                            baselines.at("bigram_bits").get<double>()};
    checkpoint.progress = progress_from(json::parse(metadata.at("progress")));
  } catch (const std::out_of_range&) {
    fail(origin, " is not a checkpoint of charrnn: its metadata lack a field");
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
      check(dot != std::string::npos, path, " cannot be used: the tensor ", name, " names no weight");
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
    fail_usage("the run keeps no average of its weights (train.average_decay): take those of the last step");
  }
  const auto& weights = is_average ? checkpoint.average : checkpoint.weights;
  for (const Parameters::Parameter& parameter : model.parameters().list()) {
    const auto found = weights.find(parameter.name);
    check(found != weights.end(), "the checkpoint has no weight ", parameter.name,
          ", which its config asks for");
    check(found->second.sizes() == parameter.value.sizes(), "the weight ", parameter.name, " has shape ",
          found->second.sizes(), " in the checkpoint, its config asks for ", parameter.value.sizes());
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
