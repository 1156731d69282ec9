// Training, evaluating and sampling on a device whose memory the host cannot touch (tests/test_device): the
// code for GPUs, run in CI. Compared with the CPU, in LibTorch's layers; operations and waits of a step are
// counted.
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "../data/counting_split.h"
#include "../temporary_folder.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/evaluate/evaluator.h"
#include "charrnn/generate/sampler.h"
#include "charrnn/run/prepare_run.h"
#include "charrnn/run/training_run.h"
#include "device_runs.h"
#include "test_device/pytorch_step.h"
#include "test_device/test_device.h"

namespace charrnn {
namespace {

class DeviceTraining : public testing::Test {
 protected:
  SmallRun on_device(const Settings& settings) const { return runs_.on_device(settings); }

  TemporaryFolder folder_;
  DeviceRuns runs_{test_device(), 2e-5};
};

TEST_F(DeviceTraining, RunsAreThoseOfTheCpu) {
  runs_.expect_runs_of_the_cpu();
}

TEST_F(DeviceTraining, SixteenBitsLearnAsThirtyTwoDo) {
  runs_.expect_that_sixteen_bits_learn();
}

TEST_F(DeviceTraining, CheckpointsGoBothWays) {
  runs_.expect_checkpoints_both_ways();
}

TEST_F(DeviceTraining, AStepThatIsNotFiniteChangesNothing) {
  runs_.expect_that_a_step_of_no_number_changes_nothing();
}

// A step in the middle of a shard.
DeviceCounts counts_of_a_step(SmallRun& run) {
  run.steps(20);
  while (run.trainer.progress().position.done != 3) run.steps(1);
  reset_counts();
  run.trainer.step();
  return counts();
}

// Compares the number of operations with that of PyTorch's own step of the same model. The test fails if a
// change adds operations to the step.
TEST_F(DeviceTraining, AStepHasNoMoreOperationsThanPyTorchs) {
  for (const int64_t layers : {1, 2}) {
    Settings settings = some_settings();
    settings.model.layers = layers;
    settings.model.dropout = 0;  // the PyTorch step has it only after the last layer
    settings.model.output_dropout = 0.2;
    settings.train.optimizer.name = OptimizerName::kAdamW;
    SmallRun run = on_device(settings);
    PytorchStep pytorch({Cell::kLstm, kV, 5, 13, layers, 0.2}, test_device(), 4);
    const at::Tensor ids = at::arange(3 * 4).remainder(kV).view({3, 4}).to(test_device());
    pytorch.run(ids, ids);

    const DeviceCounts ours = counts_of_a_step(run);
    const std::string our_text = counts_text();
    reset_counts();
    pytorch.run(ids, ids);
    // In PyTorch all layers are one operation of cuDNN, with the same number of kernels.
    const auto besides_cudnn = [](const DeviceCounts& c) {
      return c.operations - c.by_name.at("_cudnn_rnn") - c.by_name.at("_cudnn_rnn_backward");
    };
    EXPECT_LE(besides_cudnn(ours), besides_cudnn(counts())) << our_text << "PyTorch's:\n" << counts_text();
    EXPECT_EQ(ours.operations, layers == 1 ? 25 : 27) << our_text;
    EXPECT_EQ(ours.copies_to_device, 2) << "inputs and targets";
  }
}

TEST_F(DeviceTraining, EachFurtherDropoutIsTwoOperationsAndEachRoundingOne) {
  Settings settings = some_settings();  // two layers with dropout after each
  SmallRun dropping = on_device(settings);
  EXPECT_EQ(counts_of_a_step(dropping).operations, 29) << counts_text();
  settings.train.precision = Precision::kBf16;
  SmallRun rounding = on_device(settings);
  // Embedded input, two layers, weight and bias of the head, logits: forward and backward.
  EXPECT_EQ(counts_of_a_step(rounding).operations, 29 + 12) << counts_text();
}

// LibTorch warns when it copies the weights of a layer together, for instance.
TEST_F(DeviceTraining, LibTorchPrintsNoWarnings) {
  struct Warnings : c10::WarningHandler {
    void process(const c10::Warning& warning) override { text += warning.msg() + "\n"; }
    std::string text;
  } warnings;
  const c10::WarningUtils::WarningHandlerGuard guard(&warnings);
  const c10::WarningUtils::WarnAlways always;
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh}) {
    for (const Kernel kernel : {Kernel::kFast, Kernel::kReference}) {
      Settings settings = some_settings();
      settings.model.cell = cell;
      settings.model.kernel = kernel;
      SmallRun run = on_device(settings);
      run.steps(4);
      EXPECT_EQ(warnings.text, "") << enum_name(cell) << ", " << enum_name(kernel);
    }
  }
}

TEST_F(DeviceTraining, TheHostWaitsOnlyWhenItReadsLosses) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16, Precision::kFp16}) {
    Settings settings = some_settings();
    settings.train.precision = precision;
    settings.train.average_decay = 0.9;
    settings.train.reset_state = ResetState::kDocument;
    SmallRun run = on_device(settings);  // train.read_every is 10 on a device
    run.steps(0);
    reset_counts();
    for (int step = 0; step < 9; ++step) run.trainer.step();
    EXPECT_EQ(counts().synchronizations, 0) << enum_name(precision) << "\n" << counts_text();
    run.trainer.step();
    EXPECT_EQ(counts().synchronizations, 1) << "losses and norms\n" << counts_text();
    EXPECT_EQ(counts().unpinned_copies, 1) << "that one, to the host";
  }
}

TEST_F(DeviceTraining, EvaluatesAsTheCpuDoesWithoutWaiting) {
  const Settings settings = DeviceRuns::reference(some_settings());
  const CharRnn cpu = SmallRun::initialized(settings);
  const CharRnn device = SmallRun::initialized(settings, test_device());
  const SplitInfo valid = counting_split(folder_, {900, 401}, 1, kV, "valid");
  const std::unique_ptr<Communicator> comm = make_solo_communicator();
  for (const std::optional<int64_t> window : {std::optional<int64_t>(), std::optional<int64_t>(16)}) {
    const Loss expected = evaluate(cpu, valid, 2, *comm, window).value();
    reset_counts();
    const Loss found = evaluate(device, valid, 2, *comm, window).value();
    EXPECT_EQ(counts().synchronizations, 1) << counts_text();
    EXPECT_EQ(found.count, expected.count);
    EXPECT_NEAR(found.nats(), expected.nats(), 1e-6);
  }
}

TEST_F(DeviceTraining, SamplesAreDrawnOnTheCpu) {
  const Settings settings = DeviceRuns::reference(some_settings());
  const CharRnn cpu = SmallRun::initialized(settings);
  const CharRnn device = SmallRun::initialized(settings, test_device());
  std::vector<Vocabulary::Character> letters;
  for (const char32_t letter : std::u32string_view(U"abcdefghij\n")) letters.push_back({letter, 1});
  const Vocabulary vocabulary = Vocabulary::from_counts(letters, {.max_size = {}}, Unit::kCodePoint);
  const Sampler expected(cpu, vocabulary);
  const Sampler sampler(device, vocabulary);
  reset_counts();
  EXPECT_EQ(sampler.text("abc", 50, {.seed = 3}), expected.text("abc", 50, {.seed = 3}));
  EXPECT_EQ(counts().operations + counts().copies_to_host, 0) << counts_text();
}

// A whole run as by charrnn_train: samples, evaluations, checkpoints; stopped, resumed on the CPU, and again
// on the device.
TEST_F(DeviceTraining, AWholeRunWithItsSamplesAndCheckpoints) {
  Config config;
  config.name = "test.yaml";
  Settings& s = config.settings;
  s = some_settings();
  std::ofstream(folder_ / "text.txt") << [] {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "abcdefghi" + std::string(static_cast<size_t>(i % 7), 'k') + "\n";
    return text;
  }();
  s.corpus.sources = {(folder_ / "text.txt").string()};
  s.corpus.output = (folder_ / "corpus").string();
  s.corpus.split = {.by = SplitBy::kTail, .valid = 0.1, .test = 0};
  build_corpus(s.corpus);
  s.model.kernel = Kernel::kReference;
  s.train.steps = 24;
  s.train.log_every = Period{6, false};
  s.evaluate.every = Period{8, false};
  s.sample.every = Period{12, false};
  s.sample.prefixes = {"abc"};
  s.sample.temperatures = {{0.0}};
  s.sample.length = 20;
  s.checkpoint.every = Period{12, false};
  s.run.progress = ProgressDisplay::kPlain;
  const std::unique_ptr<Communicator> comm = make_solo_communicator();
  const auto run = [&](const char* name, at::Device device, std::optional<int64_t> max_steps = {}) {
    s.run.output = (folder_ / name).string();
    TrainOptions options;
    options.max_steps = max_steps;
    auto claim = std::make_unique<RunClaim>(s.run.output);
    TrainingRun training(prepare_run(config, options, *comm, device, std::move(claim)), options, *comm);
    EXPECT_EQ(training.run(), max_steps ? RunEnd::kAsked : RunEnd::kComplete) << name;
  };
  const auto lines = [&](const char* name) {  // of the kinds train and valid
    std::vector<std::pair<std::string, double>> found;
    std::ifstream in(folder_ / name / "metrics.jsonl");
    for (std::string line; std::getline(in, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json.contains("loss_nats")) found.emplace_back(json["kind"], json["loss_nats"].get<double>());
    }
    return found;
  };
  run("cpu", at::kCPU);
  run("device", test_device());
  run("parts", test_device(), 5);
  run("parts", at::kCPU, 14);
  run("parts", test_device());
  const auto expected = lines("cpu");
  EXPECT_EQ(expected.size(), 4u + 3u);
  for (const char* name : {"device", "parts"}) {
    const auto found = lines(name);
    ASSERT_EQ(found.size(), expected.size()) << name;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].first, expected[i].first) << name;
      EXPECT_NEAR(found[i].second, expected[i].second, 1e-4) << name << ", line " << i;
    }
  }
  const auto samples = [&](const char* name) {
    std::ifstream in(folder_ / name / "samples.txt");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(samples("device"), samples("cpu"));

  // --fit-seconds times blocks of steps on a device, and undoes them.
  TrainOptions fitted;
  fitted.fit_seconds = 0.5;
  fitted.max_steps = 10;
  s.train.steps.reset();
  s.train.schedule.warmup_steps = 0;  // on a slow machine only one step fits
  s.run.output = (folder_ / "fitted").string();
  auto claim = std::make_unique<RunClaim>(s.run.output);
  TrainingRun training(prepare_run(config, fitted, *comm, test_device(), std::move(claim)), fitted, *comm);
  const RunEnd end = training.run();  // on a slow machine fewer than ten steps fit
  EXPECT_TRUE(end == RunEnd::kAsked || end == RunEnd::kComplete);
  EXPECT_FALSE(lines("fitted").empty());
}

}  // namespace
}  // namespace charrnn
