// Everything that a run needs to continue, as one safetensors file: weights under PyTorch's names, optimiser
// moments as `optimizer.<moment>.<weight>`, their average as `average.<weight>`, the state of all lanes as
// `state.h` and, of LSTMs, `state.c` (L, B, H); and in the metadata the config, the vocabulary, and the
// numbers of each part of a run (saved_states.h).
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <string>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/config/settings.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

struct Checkpoint {
  Settings settings;
  std::string vocabulary_json;
  std::string corpus_hash;
  bool has_targets = false;  // the corpus has aligned targets
  Baselines baselines;
  int64_t step = 0;
  bool is_good = false;  // a run that diverges later may go back to here
  SavedStates saved;
  std::map<std::string, at::Tensor> weights;                         // by PyTorch's names
  std::map<std::string, std::map<std::string, at::Tensor>> moments;  // "exp_avg" -> weight -> values
  std::map<std::string, at::Tensor> average;  // of the weights, where the run keeps one
  RnnState state;                             // of all lanes
  bool is_edited = false;                     // read from a file that another program has changed

  // Vocabulary, hash, targets and baselines of the corpus that the model is trained on.
  void describe(const CorpusFolder& corpus);
};

// All except the tensors, as the metadata of the file; `origin` names it in errors.
std::map<std::string, std::string> metadata_of(const Checkpoint& checkpoint);
Checkpoint from_metadata(const std::map<std::string, std::string>& metadata, const std::string& origin);

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// Throws Error if the file is damaged, of another format version, or lacks something.
Checkpoint read_checkpoint(const std::filesystem::path& path);

// The weights of a checkpoint, or their average, into a model of the same shape. Throws Error naming what
// does not fit.
void load_weights(const Checkpoint& checkpoint, CharRnn& model, WeightsUsed which = WeightsUsed::kLast);

// The model of a checkpoint, on the CPU unless told otherwise.
CharRnn model_of(const Checkpoint& checkpoint, at::Device device = at::kCPU,
                 WeightsUsed which = WeightsUsed::kLast);

}  // namespace charrnn
