#include "train/dry_run.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "data/batch_reader.h"
#include "data/shard.h"
#include "model/char_rnn.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/run_checks.h"
#include "train/trainer.h"

namespace charrnn {
namespace {

constexpr double kFloat = 4;  // bytes

// The program with LibTorch, MPI and HDF5 loaded and a first LSTM run: measured, resident memory.
constexpr double kProgramBytes = 190e6;

// What forward keeps for backward and backward adds, in floats for each character of a rank's step.
double activation_floats(const ModelSettings& model, double vocabulary) {
  const auto hidden = static_cast<double>(model.hidden_size);
  double floats = model.input == InputLayer::kEmbedding ? 2.0 * static_cast<double>(model.embedding_size)
                                                        : 3.0 * vocabulary;
  // Gates, cells and outputs of a layer (oneDNN's workspace and copies), its dropout, and the gradients of
  // both.
  floats += static_cast<double>(model.layers) * 12.0 * hidden;
  floats += 3.0 * vocabulary;  // logits, their logarithms, their gradient
  return floats;
}

std::string megabytes(double bytes) {
  return with_thousands(std::llround(bytes / 1e6)) + " MB";
}

}  // namespace

RunSize measure_run(const Settings& settings, const CorpusFolder& corpus, int ranks) {
  const SplitInfo& train = corpus.require_split("train");
  const BatchReader reader(train, lane_options(settings), 0, ranks);
  const auto vocabulary = static_cast<int64_t>(corpus.vocabulary().size());
  check_groups(settings.train, ranks);
  check_against_corpus(settings, corpus);
  RunSize size;
  size.parameters = CharRnn::parameter_count(settings.model, vocabulary);
  size.steps_per_epoch = static_cast<int64_t>(reader.plan().steps_in_epoch(0));
  size.lane_length = static_cast<int64_t>(reader.plan().pass(0, 0).lane_length);
  if (settings.train.steps) size.total_steps = *settings.train.steps;
  if (settings.train.epochs) size.total_steps = reader.plan().steps_for(*settings.train.epochs);

  const auto parameters = static_cast<double>(size.parameters);
  const double copies = 2.0 + Optimizer::moments_per_weight(settings.train.optimizer) +
                        (settings.train.average_decay ? 1.0 : 0.0);  // weights, gradients, moments, average
  const bool has_halves = ranks > 1 && settings.comm.gradient_type != GradientType::kFp32;
  const double characters =
      static_cast<double>(settings.train.batch_size / ranks / settings.train.accumulate *
                          settings.train.sequence_length.max);  // of a group
  uint64_t longest = 0;
  for (const SplitInfo::Shard& shard : train.shards) longest = std::max(longest, shard.length);
  const double texts = train.has_targets ? 2.0 : 1.0;
  const double loaded =
      2.0 * texts * static_cast<double>(longest) / ranks * id_bytes_for(corpus.vocabulary().size());
  // Backward makes each gradient before it is added, and oneDNN a rearranged copy of the weights.
  size.memory_bytes =
      kProgramBytes + kFloat * parameters * (copies + 1.5 + (has_halves ? 0.5 : 0.0)) +
      kFloat * characters * activation_floats(settings.model, static_cast<double>(vocabulary)) + loaded;
  const double parts = settings.model.cell == Cell::kLstm ? 2 : 1;  // h, and an LSTM's c
  const double state = parts * static_cast<double>(settings.model.layers * settings.train.batch_size *
                                                   settings.model.hidden_size);
  size.checkpoint_bytes = kFloat * (parameters * (copies - 1.0) + state);
  return size;
}

std::string to_text(const RunSize& size, const Settings& settings, int ranks) {
  std::string text = concat(
      "parameters        ", with_thousands(size.parameters), "\nmemory per rank   about ",
      megabytes(size.memory_bytes), " (", ranks, ranks == 1 ? " rank)" : " ranks)", "\ncheckpoint        ",
      megabytes(size.checkpoint_bytes), " each, ", settings.checkpoint.keep, " kept and the best\n");
  if (settings.train.sampling == Sampling::kSequential) {
    text += concat("lane length       ", with_thousands(size.lane_length), " characters of a shard\n");
  }
  text += concat(
      "steps per epoch   ", with_thousands(size.steps_per_epoch), " of ", settings.train.batch_size,
      " lanes x ", settings.train.sequence_length.text(), " characters\nsteps             ",
      size.total_steps > 0 ? with_thousands(size.total_steps) : std::string("as --fit-seconds will say"),
      "\n");
  return text;
}

}  // namespace charrnn
