#include "charrnn/run/dry_run.h"

#include <algorithm>
#include <cmath>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/corpus_recipe.h"
#include "charrnn/data/batch_reader.h"
#include "charrnn/data/shard.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/model/loss.h"
#include "charrnn/model/recurrent_layer.h"
#include "charrnn/run/corpus_check.h"
#include "charrnn/train/lane_settings.h"
#include "charrnn/train/optimizer.h"
#include "charrnn/train/trainer.h"

namespace charrnn {
namespace {

constexpr double kFloat = 4;  // bytes

// Resident memory of the program with LibTorch, MPI and HDF5 loaded, measured.
constexpr double kProgramBytes = 152e6;

// Workspace of cuBLAS: the size set by CUBLAS_WORKSPACE_CONFIG=:4096:8 (train/compute.cpp) for each of two
// handles, this thread's and that of backward. LibTorch chooses cuBLASLt's by GPU (ATen/cuda/CUDABlas.cpp).
constexpr double kMebibyte = 1 << 20;
constexpr double kCublasBytes = 2 * 32 * kMebibyte;
double cublas_lt_bytes(const Device& device) {
  return (device.gpu.major >= 9 ? 32 : 4) * kMebibyte;
}

double gates(const ModelSettings& model) {
  return static_cast<double>(gate_count(model.cell));
}

// Floats that the layers of model/cpu/fast_layer.h hold at the peak of a step, for this many characters of a
// group of lanes: each layer's outputs, cells and gates until backward has used them, and the work buffers of
// the largest layer's backward. Buffers are reused (model/buffers.h).
double fast_layer_floats(const ModelSettings& model, double characters) {
  const auto hidden = static_cast<double>(model.hidden_size);
  const auto layers = static_cast<double>(model.layers);
  const double is_deep = model.layers > 1 ? 1 : 0;
  const double drops = model.dropout > 0 || model.output_dropout.value_or(0) > 0 ? 1 : 0;
  const double kept = model.cell == Cell::kLstm ? 6 : model.cell == Cell::kGru ? 5 : 1;
  const double inputs = model.cell == Cell::kGru ? 3 * is_deep : 0;  // an LSTM stores its gates there
  const double sums = kept == 1 ? 1 : 0;
  // The gradients of the outputs, before and after dropout, and of the inputs; outputs packed for a product.
  const double backward = 2 + drops + is_deep + sums;
  const double packed_and_gradients = gates(model) * hidden * hidden * 2 * (1 + is_deep);
  return characters * hidden * (layers * (kept + drops) + inputs + backward) + packed_and_gradients;
}

// The same for LibTorch's layers on the CPU: gates, cells and outputs (oneDNN's workspace and copies),
// dropout, and the gradients of both.
double reference_layer_floats(const ModelSettings& model, double characters) {
  const auto hidden = static_cast<double>(model.hidden_size);
  return characters * static_cast<double>(model.layers) * 14 * hidden +
         gates(model) * hidden * hidden * 2 * static_cast<double>(model.layers);
}

bool is_rounded(const Settings& settings) {
  return settings.train.precision == Precision::kBf16 || settings.train.precision == Precision::kFp16;
}

// Bytes that weights, layers and head need on a GPU in addition to the buffers of the whole run, for this
// many characters of a group of lanes. cuDNN does not document the size of its reserve; the estimate is the
// gates, the cell and its tanh for each position.
double gpu_step_bytes(const Settings& settings, const Device& device, double parameters, double characters,
                      double vocabulary) {
  const ModelSettings& model = settings.model;
  const bool rounds = is_rounded(settings);
  const double number = rounds ? 2 : kFloat;  // bytes of a number in layers and head
  const auto hidden = static_cast<double>(model.hidden_size);
  const auto layers = static_cast<double>(model.layers);
  const double outputs = characters * hidden;
  const bool is_embedding = model.input == InputLayer::kEmbedding;
  const double width = is_embedding ? static_cast<double>(model.embedding_size) : vocabulary;
  const double reserve = (gates(model) + 2) * outputs * kFloat;
  const double last_drops = model.output_dropout.value_or(model.dropout) > 0 ? 1 : 0;
  const double drops = (model.dropout > 0 ? layers - 1 : 0) + last_drops;  // layers whose output is a copy

  // Kept until backward. A layer's input is the output of the layer below.
  const double input = characters * width * (kFloat + (rounds ? number : 0)) +
                       (is_embedding ? 0 : characters * width * sizeof(int64_t));
  const double kept = input + layers * (outputs * number + reserve) + drops * outputs * number;
  // Backward of the layer that needs most: the gradients of its output, after and before dropout, of its
  // input and of its gates (cuDNN's workspace).
  const double backward =
      (outputs * (1 + (drops > 0 ? 1 : 0)) + std::max(outputs, characters * width) + gates(model) * outputs) *
      number;
  // Logits, logarithms of probabilities and gradients.
  const double logits = characters * vocabulary * (3 * kFloat + (rounds ? 2 * number : 0));
  const double ids = 2 * characters * sizeof(int64_t);
  // Gradients from backward, before they are copied to the flat buffer; rounded weights and gradients.
  const double weights = parameters * (kFloat + (rounds ? 2 * number : 0));
  const double rmsprop =
      settings.train.optimizer.name == OptimizerName::kRmsprop ? 3 * parameters * kFloat : 0;
  return weights + rmsprop + ids + kept + std::max(backward, logits) + kCublasBytes + cublas_lt_bytes(device);
}

// Embeddings or one-hot inputs, or the table that replaces them; logits and values computed from them.
double input_and_head_floats(const ModelSettings& model, bool is_fast, double characters, double vocabulary) {
  const auto hidden = static_cast<double>(model.hidden_size);
  const bool is_embedding = model.input == InputLayer::kEmbedding;
  const auto width = is_embedding ? static_cast<double>(model.embedding_size) : vocabulary;
  if (!is_fast) return characters * (2 * width + 3 * vocabulary) + vocabulary * hidden;
  const double rows = std::min(characters, vocabulary);
  const double table = 2 * rows * gates(model) * hidden;
  const double block = std::min(characters * vocabulary, static_cast<double>(kLossBlockElements));
  const double logits =
      model.head == Head::kNone ? 3 * characters * vocabulary : 2 * block + vocabulary * hidden;
  return table + (is_embedding ? 2 * vocabulary : gates(model) * hidden) * width + logits;
}

// The device for which the memory is estimated, and what the estimate leaves out.
std::string device_text(const Device& device, DeviceName configured) {
  if (!device.cuda) {
    return configured == DeviceName::kAuto ? "on the CPU: no usable GPU on this machine)" : "on the CPU)";
  }
  return concat("on a GPU", device.gpu.kind.empty() ? ", not on this machine" : ", " + device.gpu.kind,
                "; CUDA needs another 500 to 800 MB, NCCL with several ranks a little more)");
}

std::string megabytes(double bytes) {
  return with_thousands(std::llround(bytes / 1e6)) + " MB";
}

}  // namespace

Device expected_device(DeviceName configured, const VisibleGpus& gpus) {
  if (configured == DeviceName::kCpu) return {};
  if (gpus.usable()) return {.cuda = true, .index = 0, .gpu = gpus.gpus.at(0)};
  if (configured == DeviceName::kAuto) return {};
  return {.cuda = true, .index = 0, .gpu = {.uuid = "", .kind = "", .major = 9, .minor = 0}};
}

RunSize estimate_run(const Settings& settings, const CorpusFolder& corpus, int ranks, const Device& device) {
  const SplitInfo& train = corpus.require_split("train");
  const BatchReader reader(train, lane_options(settings), 0, ranks);
  const auto vocabulary = static_cast<int64_t>(corpus.vocabulary().size());
  check_groups(settings.train, ranks);
  Settings as_made = settings;
  as_made.corpus = with_recipe_of(corpus.path(), settings.corpus);
  check_against_corpus(as_made, corpus);
  RunSize size;
  size.device = device;
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
  const double parts = settings.model.cell == Cell::kLstm ? 2 : 1;  // h, and an LSTM's c
  const double state = parts * static_cast<double>(settings.model.layers * settings.train.batch_size *
                                                   settings.model.hidden_size);
  constexpr double state_copies = 6;
  const double of_the_run =
      kFloat * (parameters * (copies + (has_halves ? 0.5 : 0.0)) + state_copies * state / ranks);
  if (device.cuda) {
    size.memory_bytes = of_the_run + gpu_step_bytes(settings, device, parameters, characters,
                                                    static_cast<double>(vocabulary));
  } else {
    const bool is_fast = settings.model.kernel == Kernel::kFast && !is_rounded(settings);
    size.memory_bytes = kProgramBytes + loaded + of_the_run +
                        kFloat * ((is_fast ? fast_layer_floats(settings.model, characters)
                                           : reference_layer_floats(settings.model, characters)) +
                                  input_and_head_floats(settings.model, is_fast, characters,
                                                        static_cast<double>(vocabulary)));
  }
  size.checkpoint_bytes = kFloat * (parameters * (copies - 1.0) + state);
  return size;
}

std::string to_text(const RunSize& size, const Settings& settings, int ranks) {
  std::string text = concat("parameters        ", with_thousands(size.parameters),
                            "\nmemory per rank   about ", megabytes(size.memory_bytes), " (",
                            plural(ranks, "rank"), ", ", device_text(size.device, settings.run.device),
                            "\ncheckpoint        ", megabytes(size.checkpoint_bytes), " each; the last ",
                            settings.checkpoint.keep, " and the best are kept\n");
  if (settings.train.sampling == Sampling::kSequential) {
    text +=
        concat("lane length       ", with_thousands(size.lane_length), " characters of the first shard\n");
  }
  text += concat(
      "steps per epoch   ", with_thousands(size.steps_per_epoch), " of ", settings.train.batch_size,
      " lanes x ", settings.train.sequence_length.text(), " characters\nsteps             ",
      size.total_steps > 0 ? with_thousands(size.total_steps) : std::string("chosen by --fit-seconds"), "\n");
  return text;
}

}  // namespace charrnn
