// Compares training on a device other than the CPU with the same training on the CPU in LibTorch's layers:
// for the test device and for GPUs.
#pragma once

#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../data/counting_split.h"
#include "../temporary_folder.h"
#include "charrnn/evaluate/evaluator.h"
#include "small_run.h"

namespace charrnn {

inline double mean_loss(const SmallRun& run) {
  return run.trainer.progress().window_loss_sum / run.trainer.progress().window_count;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kCPU) - b.detach().to(at::kCPU)).abs().max().item<double>();
}

// The bodies of the tests. Numbers may differ by float rounding over fifteen steps, with weights below 3:
// losses by `tolerance` nats, weights by ten times that.
class DeviceRuns {
 public:
  DeviceRuns(at::Device device, double tolerance) : device_(device), tolerance_(tolerance) {}

  // The CPU uses LibTorch's layers, which sum in the same order as the device's.
  static Settings reference(Settings settings) {
    settings.model.kernel = Kernel::kReference;
    return settings;
  }
  SmallRun on_device(const Settings& settings) const { return SmallRun(settings, split_, device_); }

  // Every kind of run, fifteen steps.
  void expect_runs_of_the_cpu() const {
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
      EXPECT_NEAR(mean_loss(device), mean_loss(cpu), tolerance_) << name;
      EXPECT_NEAR(device.trainer.gradient_norm(), cpu.trainer.gradient_norm(), tolerance_) << name;
      EXPECT_EQ(device.trainer.progress().skipped, cpu.trainer.progress().skipped) << name;
      EXPECT_LT(largest_difference(cpu.values(), device.values()), 10 * tolerance_) << name;
    }
  }

  void expect_that_sixteen_bits_learn() const {
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
  void expect_checkpoints_both_ways() const {
    for (const Precision precision : {Precision::kFp32, Precision::kBf16, Precision::kFp16}) {
      Settings settings = some_settings();
      settings.train.precision = precision;
      settings.train.average_decay = 0.9;
      SmallRun whole = on_device(settings);
      whole.steps(6);
      write_checkpoint(folder_ / "file", whole.saved());
      const Checkpoint found = read_checkpoint(folder_ / "file");
      whole.steps(6);

      SmallRun device = on_device(settings);
      device.trainer.restore_from(found);
      device.steps(6);
      EXPECT_TRUE(same_bits(device.values().to(at::kCPU), whole.values().to(at::kCPU)))
          << enum_name(precision);
      EXPECT_TRUE(same_bits(device.saved().state.c, whole.saved().state.c)) << enum_name(precision);
      EXPECT_EQ(device.trainer.gradient_norm(), whole.trainer.gradient_norm());
      if (precision != Precision::kFp32) continue;

      SmallRun cpu(reference(settings), split_);
      cpu.trainer.restore_from(found);
      cpu.steps(6);
      EXPECT_LT(largest_difference(cpu.values(), whole.values()), 10 * tolerance_);
      write_checkpoint(folder_ / "cpu", cpu.saved());
      const Checkpoint from_cpu = read_checkpoint(folder_ / "cpu");
      SmallRun back = on_device(settings);
      back.trainer.restore_from(from_cpu);
      EXPECT_EQ(largest_difference(back.values(), cpu.values()), 0);
    }
  }

  void expect_that_a_step_of_no_number_changes_nothing() const {
    Settings settings = some_settings();
    settings.train.average_decay = 0.9;
    SmallRun run = on_device(settings);
    run.steps(5);
    while (run.trainer.progress().position.done != 3)
      run.steps(1);  // the next step does not begin with zero state
    const at::Tensor bias = run.model.parameters()["head.bias"].detach();
    const at::Tensor kept = bias.clone();
    bias.narrow(0, 4, 1).fill_(std::numeric_limits<float>::quiet_NaN());
    Checkpoint before = run.saved();
    for (auto& [name, tensor] : before.weights) tensor = tensor.clone();
    run.steps(1);
    const Checkpoint after = run.saved();
    EXPECT_EQ(run.trainer.progress().skipped, 1);
    EXPECT_TRUE(same_bits(after.state.h, before.state.h));
    for (const auto& [name, tensor] : after.weights) {
      EXPECT_TRUE(same_bits(tensor.to(at::kCPU), before.weights.at(name).to(at::kCPU))) << name;
    }
    at::Tensor(bias).copy_(kept);
    run.steps(1);
    EXPECT_EQ(run.trainer.progress().skipped_in_a_row, 0);
  }

 private:
  at::Device device_;
  double tolerance_;
  TemporaryFolder folder_;
  SplitInfo split_ = counting_split(folder_, {29, 43}, 1, kV);
};

}  // namespace charrnn
