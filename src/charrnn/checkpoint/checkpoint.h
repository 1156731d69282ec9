// Everything that a run needs to go on, as one safetensors file: weights under PyTorch's names, optimiser
// moments as `optimizer.<moment>.<weight>`, their average as `average.<weight>`, the state of all lanes as
// `state.h` and, of LSTMs, `state.c` (L, B, H); and in the metadata the config, the vocabulary, where reading
// goes on, and what is printed beside the loss.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <string>

#include "charrnn/config/settings.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/data/reading_plan.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

// The gradient norms so far, old ones fading (train/norm_watch.h).
struct NormStatistics {
  int64_t count = 0;
  double mean = 0;
  double variance = 0;
};

// Where train.schedule plateau stands (train/plateau.h).
struct PlateauState {
  double best = 0;           // nats; 0 before the first value
  int64_t values_since = 0;  // the best, or the last cut
  int64_t cooldown_left = 0;
  double rate_factor = 1;  // what the cuts left of the learning rate
};

// What losses are multiplied by before backward with train.precision fp16 (train/loss_scale.h).
struct LossScaleState {
  double scale = 65536;
  int64_t good_steps = 0;  // since it changed
};

// What is no tensor.
struct Progressed {
  int64_t step = 0;
  ReadingPosition position;         // of the next batch
  int64_t characters = 0;           // trained on, over all ranks
  double seconds = 0;               // spent so far
  double window_loss_sum = 0;       // nats since the last line of metrics.jsonl
  double window_count = 0;          // targets since then
  double last_loss = 0;             // nats per character in that line; 0 before the first
  double best_loss = 0;             // validation, nats; 0 before the first
  int64_t values_since_best = 0;    // validation
  int64_t skipped_in_a_row = 0;     // steps whose gradient was not finite, or a spike
  int64_t skipped = 0;              // in all
  int64_t spikes = 0;               // of them
  NormStatistics norms{};           // of the gradients
  int64_t good_step = -1;           // of the newest checkpoint from which a divergence can be mended
  bool evaluation_pending = false;  // a signal came in between: it is made when the run goes on
  bool samples_pending = false;
  int64_t rollbacks = 0;       // after divergences
  int64_t rollback_step = -1;  // where the last one went back to
  double rate_factor = 1;      // what they left of the learning rate
  PlateauState plateau{};
  LossScaleState loss_scale{};
  uint64_t pitfalls_said = 0;      // a bit each (run/pitfalls.h)
  double unjudged_loss_sum = 0;    // nats, of too few targets yet to say how the run does
  double unjudged_count = 0;       // targets
  bool was_below_unigram = false;  // the loss, once
  uint64_t metrics_bytes = 0;      // length of metrics.jsonl
  uint64_t samples_bytes = 0;      // length of samples.txt
};

struct Checkpoint {
  Settings settings;
  std::string vocabulary_json;
  std::string corpus_hash;
  bool has_targets = false;  // the corpus has aligned targets
  Baselines baselines;
  Progressed progress;
  std::map<std::string, at::Tensor> weights;                         // by PyTorch's names
  std::map<std::string, std::map<std::string, at::Tensor>> moments;  // "exp_avg" -> weight -> values
  std::map<std::string, at::Tensor> average;  // of the weights, where the run keeps one
  RnnState state;                             // of all lanes
  bool is_edited = false;                     // read from a file that another program has changed
};

// Whether a run that diverged later may go back to here: not amid skipped steps, and with a loss that is not
// beyond twice the unigram baseline.
bool is_good(const Progressed& progress, const Baselines& baselines);

// All but the tensors, as the metadata of the file; `origin` names it in errors.
std::map<std::string, std::string> metadata_of(const Checkpoint& checkpoint);
Checkpoint from_metadata(const std::map<std::string, std::string>& metadata, const std::string& origin);

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// Throws Error where the file is damaged, of another format version, or lacks something.
Checkpoint read_checkpoint(const std::filesystem::path& path);

// The weights of a checkpoint, or their average, into a model of the same shape. Throws Error naming what
// does not fit.
void load_weights(const Checkpoint& checkpoint, CharRnn& model, WeightsUsed which = WeightsUsed::kLast);

// The model of a checkpoint, on the CPU unless told otherwise.
CharRnn model_of(const Checkpoint& checkpoint, at::Device device = at::kCPU,
                 WeightsUsed which = WeightsUsed::kLast);

}  // namespace charrnn
