// charrnn_bench model: whole training steps with Trainer::step: read, forward, loss, backward, exchange,
// clip, update. Runs alone or under mpirun. A large matrix product in the same process and precision shows
// what the machine can do, and the losses of the first steps are compared with those of LibTorch's layers in
// fp32. bench/reference/model_speed.py does the same in PyTorch.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench.h"
#include "charrnn/comm/session.h"
#include "charrnn/core/number_text.h"
#include "charrnn/train/compute.h"
#include "command_line.h"
#include "drawn_split.h"
#include "report.h"
#include "scratch_folder.h"
#include "training.h"

namespace charrnn {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int64_t kShardSteps = 100;  // length of a random text, which is then repeated
constexpr double kGiga = 1e9;
constexpr double kMega = 1e6;

// FLOP per character in training: a multiply-add counts as two, and backward needs twice as many as forward.
// The first layer's input product is a table lookup, so it is not counted.
double layer_flop(const ModelSettings& model) {
  const double gates = model.cell == Cell::kLstm ? 4 : model.cell == Cell::kGru ? 3 : 1;
  const auto H = static_cast<double>(model.hidden_size);
  return 6 * gates * H * H * static_cast<double>(2 * model.layers - 1);
}
double head_flop(const BenchModel& model) {
  return 6 * static_cast<double>(model.settings.hidden_size * model.vocabulary);
}

double tolerance(const TrainingBench& options) {
  return options.tolerance.value_or(tolerance_of(options.precision));
}

double largest_difference(const MeasuredTraining& result) {
  double largest = 0;
  for (size_t i = 0; i < result.reference_losses.size(); ++i) {
    const double difference = std::abs(result.losses[i] - result.reference_losses[i]);
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

std::vector<double> scaled(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

// One value for each round.
struct Rounds {
  std::vector<double> step_seconds;
  std::vector<double> shares;  // of the rate of sgemm
};
Rounds rounds_of(const TrainingBench& options, const MeasuredTraining& result) {
  Rounds rounds;
  for (size_t i = 0; i < result.rates.size(); ++i) {
    rounds.step_seconds.push_back(static_cast<double>(options.batch * options.length) / result.rates[i]);
    rounds.shares.push_back(result.rates[i] * layer_flop(options.model.settings) / result.sgemm[i]);
  }
  return rounds;
}

// A table of the parts of a step.
std::string parts_table(const MeasuredTraining& result, double step_seconds, bool on_gpu) {
  std::vector<std::vector<std::string>> rows{
      {on_gpu ? "part of a step, time to queue it" : "part of a step", "ms", "%"}};
  for (const StepProfile::Part& part : result.parts) {
    rows.push_back({part.name, fixed(part.seconds * 1e3, 3), fixed(part.seconds / step_seconds * 100, 1)});
  }
  return table_of(rows);
}

std::string text_of(const TrainingBench& options, const MeasuredTraining& result, const std::string& model,
                    bool right, bool on_gpu) {
  const auto row = [](const std::string& name, const std::vector<double>& values, int digits) {
    return std::vector<std::string>{name, fixed(median_of(values), digits), spread_of(values, digits)};
  };
  const Rounds rounds = rounds_of(options, result);
  const double head = 1 + head_flop(options.model) / layer_flop(options.model.settings);
  return concat(
      "model     ", model, "\nmemory    ", fixed(result.peak_bytes / kMega, 0), " MB ",
      on_gpu ? "of the host " : "", "at its peak, ", fixed(result.start_bytes / kMega, 0),
      " MB before the model was created\nloss      ", fixed(result.losses.front(), 4), " to ",
      fixed(result.losses.back(), 4), " nats in ", result.losses.size(), " steps; the first ",
      result.reference_losses.size(),
      right ? " agree with those of LibTorch's layers"
            : " do NOT agree with those of LibTorch's layers: WRONG",
      options.precision == Precision::kFp32 ? "" : " in fp32", ", largest difference ",
      largest_difference(result), ", allowed ", tolerance(options), "\n\n",
      table_of({{concat(options.rounds, " rounds of ", result.steps, " steps"), "median", "min..max"},
                row("characters/s", result.rates, 0),
                row("ms per step", scaled(rounds.step_seconds, 1e3), 2),
                row(concat(!on_gpu || options.precision == Precision::kFp32
                               ? "sgemm"
                               : concat("product in ", enum_name(options.precision)),
                           ", GFLOP/s"),
                    scaled(result.sgemm, 1 / kGiga), 1),
                row("layers, % of it", scaled(rounds.shares, 100), 1),
                row("layers and head, %", scaled(rounds.shares, 100 * head), 1)}),
      "\n", parts_table(result, median_of(rounds.step_seconds), on_gpu),
      "\nThe percentages count all matrix products of the layers, except the first layer's input product, "
      "which is a table lookup.\n");
}

ordered_json json_of(const TrainingBench& options, const MeasuredTraining& result) {
  const Rounds rounds = rounds_of(options, result);
  ordered_json json{{"batch", options.batch},
                    {"length", options.length},
                    {"parameters", result.parameters},
                    {"characters_per_second", median_of(result.rates)},
                    {"rates", result.rates},
                    {"steps_per_round", result.steps},
                    {"step_seconds", median_of(rounds.step_seconds)},
                    {"sgemm_flops", median_of(result.sgemm)},
                    {"sgemm_size", result.sgemm_size},
                    {"share_of_sgemm", median_of(rounds.shares)},
                    {"layer_flop", layer_flop(options.model.settings)},
                    {"head_flop", head_flop(options.model)},
                    {"start_bytes", result.start_bytes},
                    {"peak_bytes", result.peak_bytes},
                    {"losses", result.losses},
                    {"reference_losses", result.reference_losses},
                    {"largest_difference", largest_difference(result)}};
  for (const StepProfile::Part& part : result.parts) json["part_seconds"][part.name] = part.seconds;
  return json;
}

BenchReport report_of(const TrainingBench& options, const MeasuredTraining& result, int ranks, int threads,
                      const Device& device) {
  const bool right = largest_difference(result) <= tolerance(options);
  const std::string model = concat(
      to_text(options.model), "; B ", options.batch, ", T ", options.length, ", ",
      enum_name(options.optimizer.name), ", ", enum_name(options.precision), "; ",
      device.cuda ? to_string(device) + ", " : "", plural(ranks, "rank"), ", ", plural(threads, "thread"));
  ordered_json json{{"model", model},
                    {"ranks", ranks},
                    {"threads", threads},
                    {"device", to_string(device)},
                    {"precision", enum_name(options.precision)}};
  json.update(json_of(options, result));
  return {.json = json, .text = text_of(options, result, model, right, device.cuda), .right = right};
}

// The text that all ranks train on. Each rank draws its own copy.
SplitInfo split_of(TrainingBench& options, const fs::path& folder) {
  if (options.corpus.empty()) {
    return draw_split(folder, static_cast<uint64_t>(options.batch * options.length * kShardSteps + 1),
                      options.model.vocabulary);
  }
  const CorpusFolder corpus = CorpusFolder::open(options.corpus);
  options.model.vocabulary = static_cast<int64_t>(corpus.vocabulary().size());
  SplitInfo split = corpus.require_split("train");
  split.shards.resize(1);  // PyTorch's side reads only the first, too
  split.characters = split.shards.front().length;
  return split;
}

ExitCode bench_model(TrainingBench options, const BenchHeader& header, Session& session) {
  Communicator& comm = session.connect(options.comm, options.device, "");
  const at::Device device =
      prepare_compute(session, options.threads > 0 ? std::optional<int64_t>(options.threads) : std::nullopt);
  options.precision = precision_on(session.device(), options.precision);
  const ScratchFolder scratch;
  const bool keeps = !options.keep.empty() && comm.rank() == 0;
  if (keeps) fs::create_directories(options.keep);
  const SplitInfo split = split_of(options, keeps ? fs::path(options.keep) : scratch.path());
  const MeasuredTraining result = measure_training(options, split, device, comm);
  const BenchReport report =
      report_of(options, result, comm.size(), options.threads > 0 ? options.threads : session.threads(),
                session.device());
  if (comm.rank() == 0) return static_cast<ExitCode>(print(header, report, options.json));
  return report.right ? ExitCode::kFinished : ExitCode::kError;
}

}  // namespace

BenchPart add_bench_model(CLI::App& app) {
  const auto options = std::make_shared<TrainingBench>();
  CLI::App* model = app.add_subcommand(
      "model", "speed of whole training steps, compared with sgemm; alone or under mpirun");
  const auto size = CLI::Range(1, 1048576);
  add_model(*model, options->model);
  model->add_option("--batch", options->batch, "B, the number of lanes over all ranks")
      ->check(size)
      ->capture_default_str();
  model->add_option("--length", options->length, "T, the characters of each lane in a step")
      ->check(size)
      ->capture_default_str();
  add_enum(*model, "--optimizer", options->optimizer.name, "update rule");
  model->add_option("--rate", options->optimizer.learning_rate, "learning rate")
      ->check(at_least(0))
      ->capture_default_str();
  model->add_option("--clip", options->clip_norm, "largest norm of the gradient; 0: no clipping")
      ->check(at_least(0))
      ->capture_default_str();
  add_enum(*model, "--device", options->device, "device to compute on; auto: a GPU if one is found");
  add_enum(*model, "--precision", options->precision, "number type of layers and head");
  model
      ->add_option("--dropout", options->model.settings.dropout,
                   "share of each layer's outputs that is set to zero")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  add_enum(*model, "--gradient-type", options->comm.gradient_type,
           "number type in which gradients are sent between ranks");
  add_enum(*model, "--gradient-buckets", options->comm.gradient_buckets,
           "how gradients are divided for the sums over ranks");
  model
      ->add_option("--corpus", options->corpus,
                   "train on the first shard of this corpus; default: a random text")
      ->type_name("FOLDER");
  model
      ->add_option("--keep", options->keep,
                   "save the initial weights (start.safetensors) and a random text in this folder")
      ->type_name("FOLDER");
  model->add_option("--losses", options->losses, "number of first steps whose losses are reported")
      ->check(size)
      ->capture_default_str();
  model->add_option("--check", options->check, "number of those losses to compare with LibTorch's layers")
      ->check(size)
      ->capture_default_str();
  model
      ->add_option("--tolerance", options->tolerance,
                   "largest accepted difference between them, in nats; default: 1e-4, 5e-4 for tf32 and "
                   "fp16, 2e-3 for bf16")
      ->check(at_least(0));
  model->add_option("--seconds", options->seconds, "length of each round, in seconds")
      ->check(above(0))
      ->capture_default_str();
  add_threads(*model, *options);
  add_rounds(*model, *options);
  add_json(*model, *options);
  return [options](const BenchHeader& header) {
    return run_ranks([&](Session& session) { return bench_model(*options, header, session); });
  };
}

}  // namespace charrnn
