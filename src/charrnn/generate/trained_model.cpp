#include "charrnn/generate/trained_model.h"

#include <mutex>

#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/core/counter_random.h"
#include "charrnn/core/error.h"
#include "charrnn/model/sequence.h"

namespace charrnn {
namespace {

// Another prefix draws other numbers, wherever it stands on the command line.
uint64_t seed_of(uint64_t seed, std::string_view prefix, int64_t number) {
  uint64_t bits = random_bits(seed, Draw::kSample, {static_cast<uint64_t>(number)});
  for (const char byte : prefix) bits = mix64(bits ^ static_cast<unsigned char>(byte));
  return bits;
}

}  // namespace

struct TrainedModel::Parts {
  Settings settings;
  std::filesystem::path file;
  int64_t step;
  bool has_targets;
  Vocabulary vocabulary;
  CharRnn model;
  std::once_flag has_sampler;
  std::optional<Sampler> sampler;
};

TrainedModel TrainedModel::open(const std::filesystem::path& run, const ModelOptions& options) {
  std::filesystem::path file;
  const Checkpoint checkpoint = open_run(run, &file);
  return {checkpoint, file, options};
}

TrainedModel::TrainedModel(const Checkpoint& checkpoint, const std::filesystem::path& file,
                           const ModelOptions& options)
    : parts_(new Parts{
          checkpoint.settings,
          file,
          checkpoint.step,
          checkpoint.has_targets,
          Vocabulary::from_json(checkpoint.vocabulary_json, file.string()),
          model_of(checkpoint, options.device, options.weights.value_or(checkpoint.settings.sample.weights)),
          {},
          {}}) {}

const Vocabulary& TrainedModel::vocabulary() const {
  return parts_->vocabulary;
}

const Settings& TrainedModel::settings() const {
  return parts_->settings;
}

const CharRnn& TrainedModel::model() const {
  return parts_->model;
}

const std::filesystem::path& TrainedModel::file() const {
  return parts_->file;
}

int64_t TrainedModel::step() const {
  return parts_->step;
}

bool TrainedModel::has_targets() const {
  return parts_->has_targets;
}

CleanPrefix TrainedModel::clean(std::string_view prefix) const {
  CorpusSettings recipe = settings().corpus;
  recipe.normalization = vocabulary().normalization();
  return clean_prefix(prefix, recipe);
}

Sampler TrainedModel::new_sampler() const {
  return Sampler(model(), vocabulary(), has_targets());
}

const Sampler& TrainedModel::sampler() const {
  std::call_once(parts_->has_sampler,
                 [this] { parts_->sampler.emplace(model(), vocabulary(), has_targets()); });
  return *parts_->sampler;
}

SampleOptions TrainedModel::sample_options(std::string_view clean_prefix,
                                           const ContinueOptions& options) const {
  return {.temperature = options.temperature.value_or(has_targets() ? 0 : 1),
          .top_k = options.top_k,
          .top_p = options.top_p,
          .seed = seed_of(options.seed, clean_prefix, options.number),
          .unknown = options.unknown.value_or(settings().sample.unknown_characters)};
}

std::string TrainedModel::continue_text(std::string_view prefix, const ContinueOptions& options) const {
  const std::string cleaned = clean(prefix).text;
  std::string text;
  sampler().generate(
      cleaned, options.length.value_or(settings().sample.length), sample_options(cleaned, options),
      [&](const std::string& character) {
        text += character;
        return options.on_character == nullptr || options.on_character(character);
      },
      options.stop);
  return text;
}

std::vector<uint32_t> TrainedModel::ids(std::string_view text) const {
  const bool has_unknown = vocabulary().has_unknown();
  return vocabulary().encode(text, has_unknown ? UnknownCharacters::kUnk : UnknownCharacters::kError);
}

at::Tensor TrainedModel::logits(std::span<const uint32_t> ids, StopToken stop) const {
  return sequence_logits(model(), ids, stop);
}

std::vector<float> TrainedModel::surprisal(std::span<const uint32_t> ids, StopToken stop) const {
  if (has_targets()) {
    fail_usage(file(), " was trained with aligned targets (corpus.targets): it predicts those, not the text");
  }
  return sequence_surprisal(model(), ids, stop);
}

std::vector<float> TrainedModel::surprisal(std::string_view text, StopToken stop) const {
  return surprisal(ids(text), stop);
}

}  // namespace charrnn
