// Training, evaluating and sampling on a device whose memory the host cannot touch (tests/test_device): what
// runs on a GPU, run in CI. Compared with the CPU, in LibTorch's layers; operations and waits of a step are
// counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "../data/counting_split.h"
#include "../temporary_folder.h"
#include "data/corpus_builder.h"
#include "generate/sampler.h"
#include "small_run.h"
#include "test_device/pytorch_step.h"
#include "test_device/test_device.h"
#include "train/evaluator.h"
#include "train/training_run.h"

namespace charrnn {
namespace {

class DeviceTraining : public testing::Test {
 protected:
  // Settings of the same run there: the CPU's layers are LibTorch's, which add as the device's do.
  static Settings reference(Settings settings) {
    settings.model.kernel = Kernel::kReference;
    return settings;
  }
  SmallRun on_device(const Settings& settings, const Progressed& progress = {}) const {
    return SmallRun(settings, split_, progress, test_device());
  }

  TemporaryFolder folder_;
  SplitInfo split_ = counting_split(folder_, {29, 43}, 1, kV);
};

double mean_loss(const SmallRun& run) {
  return run.trainer.progress().window_loss_sum / run.trainer.progress().window_count;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kCPU) - b.detach().to(at::kCPU)).abs().max().item<double>();
}

// Every kind of run, fifteen steps. 2e-5: float rounding over fifteen steps, of weights below 3.
TEST_F(DeviceTraining, RunsAreThoseOfTheCpu) {
  std::vector<std::pair<std::string, Settings>> runs;
  const auto add = [&](const std::string& name, const auto& change) {
    Settings settings = some_settings();
    change(settings);
    runs.emplace_back(name, settings);
  };
  add("lstm", [](Settings&) {});
  add("gru", [](Settings& s) { s.model.cell = Cell::kGru; });
  add("rnn_tanh, one layer", [](Settings& s) {
    s.model.cell = Cell::kRnnTanh;
    s.model.layers = 1;
  });
  add("rnn_relu", [](Settings& s) { s.model.cell = Cell::kRnnRelu; });
  add("one-hot", [](Settings& s) { s.model.input = InputLayer::kOneHot; });
  add("tied weights", [](Settings& s) {
    s.model.tied_weights = true;
    s.model.embedding_size = s.model.hidden_size;
  });
  add("no head", [](Settings& s) {
    s.model.head = Head::kNone;
    s.model.hidden_size = kV;
  });
  add("groups, average, last character", [](Settings& s) {
    s.train.accumulate = 2;
    s.train.average_decay = 0.9;
    s.train.loss = LossOver::kLast;
  });
  add("sgd", [](Settings& s) {
    s.train.optimizer.name = OptimizerName::kSgd;
    s.train.optimizer.momentum = 0.9;
    s.train.clip_norm = 0;
  });
  add("rmsprop", [](Settings& s) { s.train.optimizer.name = OptimizerName::kRmsprop; });
  add("adamw, amsgrad", [](Settings& s) {
    s.train.optimizer.name = OptimizerName::kAdamW;
    s.train.optimizer.amsgrad = true;
  });
  add("random windows", [](Settings& s) { s.train.sampling = Sampling::kRandom; });
  add("spikes", [](Settings& s) { s.train.skip_spikes_above = 1.5; });
  for (const auto& [name, settings] : runs) {
    SmallRun cpu(reference(settings), split_);
    SmallRun device = on_device(settings);
    EXPECT_EQ(largest_difference(cpu.values(), device.values()), 0) << name << ": first weights";
    cpu.steps(15);
    device.steps(15);
    EXPECT_NEAR(mean_loss(device), mean_loss(cpu), 2e-5) << name;
    EXPECT_NEAR(device.trainer.gradient_norm(), cpu.trainer.gradient_norm(), 2e-5) << name;
    EXPECT_EQ(device.trainer.progress().skipped, cpu.trainer.progress().skipped) << name;
    EXPECT_LT(largest_difference(cpu.values(), device.values()), 2e-4) << name;
  }
}

// What PyTorch's own step of the same model does, in turns with ours: no more operations here. The figure is
// a fence: whoever adds an operation to the step sees it.
TEST_F(DeviceTraining, AStepHasNoMoreOperationsThanPyTorchs) {
  for (const int64_t layers : {1, 2}) {
    Settings settings = some_settings();
    settings.model.layers = layers;
    settings.model.dropout = 0;  // the PyTorch step has it after the last layer alone
    settings.model.output_dropout = 0.2;
    settings.train.optimizer.name = OptimizerName::kAdamW;
    SmallRun run = on_device(settings);
    run.steps(20);  // to the middle of a shard
    while (run.trainer.progress().position.done != 3) run.steps(1);
    PytorchStep pytorch({Cell::kLstm, kV, 5, 13, layers, 0.2}, test_device(), 4);
    const at::Tensor ids = at::arange(3 * 4).remainder(kV).view({3, 4}).to(test_device());
    pytorch.run(ids, ids);

    reset_counts();
    run.trainer.step();
    const DeviceCounts ours = counts();
    const std::string our_text = counts_text();
    reset_counts();
    pytorch.run(ids, ids);
    // All layers are one operation of cuDNN's to PyTorch, with as many kernels.
    const auto besides_cudnn = [](const DeviceCounts& c) {
      return c.operations - c.by_name.at("_cudnn_rnn") - c.by_name.at("_cudnn_rnn_backward");
    };
    EXPECT_LE(besides_cudnn(ours), besides_cudnn(counts())) << our_text << "PyTorch's:\n" << counts_text();
    EXPECT_EQ(ours.operations, layers == 1 ? 25 : 27) << our_text;
    EXPECT_EQ(ours.copies_to_device, 2) << "inputs and targets";
    RecordProperty("operations", static_cast<int>(ours.operations));
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
    EXPECT_EQ(counts().synchronizations, 2) << "losses and norms\n" << counts_text();
    EXPECT_EQ(counts().unpinned_copies, 2) << "those two, to the host";
  }
}

TEST_F(DeviceTraining, SixteenBitsLearnAsThirtyTwoDo) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru}) {
    Settings settings = some_settings();
    settings.model.cell = cell;
    SmallRun whole = on_device(settings);
    whole.steps(40);
    for (const Precision precision : {Precision::kBf16, Precision::kFp16}) {
      settings.train.precision = precision;
      SmallRun run = on_device(settings);
      run.steps(40);
      EXPECT_EQ(run.values().scalar_type(), at::kFloat);
      EXPECT_EQ(run.trainer.progress().skipped, 0);
      // 8 and 11 bits of mantissa: errors of 4e-3 and 5e-4 in each product, over 40 steps.
      EXPECT_NEAR(mean_loss(run), mean_loss(whole), precision == Precision::kBf16 ? 2e-2 : 4e-3)
          << enum_name(cell) << ", " << enum_name(precision);
      EXPECT_NE(mean_loss(run), mean_loss(whole)) << "nothing was rounded";
    }
  }
}

// Six steps, saved, six more equal twelve, bit for bit: on the device, and from one kind of memory to the
// other.
TEST_F(DeviceTraining, CheckpointsGoBothWays) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16, Precision::kFp16}) {
    Settings settings = some_settings();
    settings.train.precision = precision;
    settings.train.average_decay = 0.9;
    SmallRun whole = on_device(settings);
    whole.steps(6);
    write_checkpoint(folder_ / "file", whole.saved());
    const Checkpoint found = read_checkpoint(folder_ / "file");
    whole.steps(6);

    SmallRun device = on_device(settings, found.progress);
    device.trainer.restore_from(found);
    device.steps(6);
    EXPECT_TRUE(same_bits(device.values().to(at::kCPU), whole.values().to(at::kCPU))) << enum_name(precision);
    EXPECT_TRUE(same_bits(device.saved().state.c, whole.saved().state.c)) << enum_name(precision);
    EXPECT_EQ(device.trainer.gradient_norm(), whole.trainer.gradient_norm());
    if (precision != Precision::kFp32) continue;

    SmallRun cpu(reference(settings), split_, found.progress);
    cpu.trainer.restore_from(found);
    cpu.steps(6);
    EXPECT_LT(largest_difference(cpu.values(), whole.values()), 2e-4);
    write_checkpoint(folder_ / "cpu", cpu.saved());
    const Checkpoint from_cpu = read_checkpoint(folder_ / "cpu");
    SmallRun back = on_device(settings, from_cpu.progress);
    back.trainer.restore_from(from_cpu);
    EXPECT_EQ(largest_difference(back.values(), cpu.values()), 0);
  }
}

TEST_F(DeviceTraining, AStepOfNoNumberChangesNothing) {
  Settings settings = some_settings();
  settings.train.average_decay = 0.9;
  SmallRun run = on_device(settings);
  run.steps(5);
  const at::Tensor bias = run.model.parameters()["head.bias"].detach();
  const at::Tensor kept = bias.clone();
  bias.narrow(0, 4, 1).fill_(std::numeric_limits<float>::quiet_NaN());
  Checkpoint before = run.saved();
  for (auto& [name, tensor] : before.weights) tensor = tensor.clone();
  run.steps(2);
  const Checkpoint after = run.saved();
  EXPECT_EQ(run.trainer.progress().skipped, 2);
  EXPECT_TRUE(same_bits(after.state.h, before.state.h));
  for (const auto& [name, tensor] : after.weights) {
    EXPECT_TRUE(same_bits(tensor.to(at::kCPU), before.weights.at(name).to(at::kCPU))) << name;
  }
  at::Tensor(bias).copy_(kept);
  run.steps(1);
  EXPECT_EQ(run.trainer.progress().skipped_in_a_row, 0);
}

TEST_F(DeviceTraining, EvaluatesAsTheCpuDoesWithoutWaiting) {
  const Settings settings = reference(some_settings());
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

// A whole run as charrnn_train makes it: samples, evaluations, checkpoints; stopped, continued on the CPU,
// and back.
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
  s.run.progress = Progress::kPlain;
  const std::unique_ptr<Communicator> comm = make_solo_communicator();
  const auto run = [&](const char* name, at::Device device, std::optional<int64_t> max_steps = {}) {
    s.run.output = (folder_ / name).string();
    TrainOptions options;
    options.max_steps = max_steps;
    EXPECT_EQ(TrainingRun(config, options, *comm, device).run(), ExitCode::kFinished) << name;
  };
  const auto lines = [&](const char* name) {  // of kinds train and valid
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
}

}  // namespace
}  // namespace charrnn
