// A trained model, opened by its run: vocabulary, weights and the settings it was trained with. What most
// programs need of charrnn:
//
//   const auto model = charrnn::TrainedModel::open("runs/quickstart");
//   std::cout << model.continue_text("The ", {.length = 200, .temperature = 0.7});
//
// Copies share the weights, which never change. All members are const and may be called by several threads
// at the same time.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/config/settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/generate/sampler.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/text/prefix.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

struct ModelOptions {
  std::optional<WeightsUsed> weights = {};  // default: sample.weights of the run
  at::Device device = at::kCPU;
};

// The options of charrnn_sample; equal values give an equal text.
struct ContinueOptions {
  std::optional<int64_t> length = {};      // in characters; default: sample.length of the run
  std::optional<double> temperature = {};  // 0: always the likeliest; default: 1, or 0 with aligned targets
  int64_t top_k = 0;                       // draw only from the k likeliest characters; 0: from all
  double top_p = 1;  // draw only from the likeliest characters whose probabilities add up to this
  uint64_t seed = 1;
  int64_t number = 0;  // index among the samples of one prefix: another number gives another text
  std::optional<UnknownCharacters> unknown =
      {};  // for the prefix; default: sample.unknown_characters of the run
  // Called with each character as it is drawn; false ends the text.
  std::function<bool(const std::string& character)> on_character = {};
  StopToken stop = {};  // ends the text too
};

class TrainedModel {
 public:
  // `run` is a run's folder (its best checkpoint, else the newest) or a checkpoint file. Throws Error
  // (kInput) if it is neither.
  static TrainedModel open(const std::filesystem::path& run, const ModelOptions& options = {});
  // A checkpoint that was read from `file`.
  TrainedModel(const Checkpoint& checkpoint, const std::filesystem::path& file,
               const ModelOptions& options = {});

  const Vocabulary& vocabulary() const;
  const Settings& settings() const;  // the run's
  const CharRnn& model() const;
  const std::filesystem::path& file() const;  // the checkpoint's
  int64_t step() const;                       // of the run, when it was written
  bool has_targets() const;                   // trained with aligned targets (corpus.targets)

  // `prefix` as the model knows text: cleaned as its corpus was, and which settings changed it.
  CleanPrefix clean(std::string_view prefix) const;

  // The text after `prefix`, which is cleaned first and not part of the result. As many characters as were
  // drawn if it ended early. With aligned targets the text is the target of each character of the prefix.
  // Throws Error (kInput) if the prefix has a character that the vocabulary lacks, unless `unknown` allows
  // it.
  std::string continue_text(std::string_view prefix, const ContinueOptions& options = {}) const;

  // For several texts together, or the progress of a long prefix (sampler.h): a sampler, which this model
  // must outlive, and the options of one text, whose prefix is clean.
  Sampler new_sampler() const;
  SampleOptions sample_options(std::string_view clean_prefix, const ContinueOptions& options) const;

  // The ids of a text as it is: one that was not cleaned as the corpus was may have characters that the
  // vocabulary lacks: <unk> if there is one, else an Error (kInput).
  std::vector<uint32_t> ids(std::string_view text) const;
  // Of N ids, from zero state: logits (N, V) of floats, on the CPU; row i is what the model expects after
  // ids 0 .. i. Throws Error (kStopped) if a stop is requested, as does surprisal.
  at::Tensor logits(std::span<const uint32_t> ids, StopToken stop = {}) const;
  // -ln p of each of N ids, given all before it; of the first, NaN. The mean over the others is the loss
  // that charrnn_eval prints of such a text, if it reads it in one lane (evaluate.lanes). Throws Error
  // (kInput) of a model with aligned targets.
  std::vector<float> surprisal(std::span<const uint32_t> ids, StopToken stop = {}) const;
  std::vector<float> surprisal(std::string_view text, StopToken stop = {}) const;

 private:
  struct Parts;
  const Sampler& sampler() const;  // made at first use

  std::shared_ptr<Parts> parts_;
};

}  // namespace charrnn
