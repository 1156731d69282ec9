// What stays on the device between steps, and training in 16 bits. This code for GPUs runs on the CPU here.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../data/counting_split.h"
#include "../temporary_folder.h"
#include "small_run.h"

namespace charrnn {
namespace {

class Precisions : public testing::Test {
 protected:
  TemporaryFolder folder_;
  SplitInfo split_ = counting_split(folder_, {29, 43}, 1, kV);
};

double window_loss(const SmallRun& run) {
  return run.trainer.progress().window_loss_sum / run.trainer.progress().window_count;
}

void expect_same_progress(const SmallRun& a, const SmallRun& b) {
  EXPECT_TRUE(same_bits(a.values(), b.values()));
  const Trainer::Progress& one = a.trainer.progress();
  const Trainer::Progress& other = b.trainer.progress();
  EXPECT_EQ(one.window_count, other.window_count);
  EXPECT_NEAR(one.window_loss_sum, other.window_loss_sum, 1e-9 * one.window_loss_sum);
  EXPECT_EQ(one.skipped, other.skipped);
  EXPECT_EQ(one.skipped_in_a_row, other.skipped_in_a_row);
  EXPECT_TRUE(same_bits(a.saved().state.c, b.saved().state.c));
}

TEST_F(Precisions, LossesReadSeldomAreTheSame) {
  Settings settings = some_settings();
  settings.train.average_decay = 0.9;
  for (const OptimizerName name : {OptimizerName::kAdam, OptimizerName::kSgd, OptimizerName::kRmsprop}) {
    settings.train.optimizer.name = name;
    SmallRun often(settings, split_);
    Settings seldom_settings = settings;
    seldom_settings.train.read_every = 4;
    SmallRun seldom(seldom_settings, split_);
    for (SmallRun* run : {&often, &seldom}) {
      run->steps(5);  // settled between two readings
      // Two steps of no number: neither weights nor state nor the count of updates move.
      const at::Tensor bias = run->model.parameters()["head.bias"].detach();
      const at::Tensor kept = bias.clone();
      bias[4].fill_(std::numeric_limits<float>::quiet_NaN());
      run->trainer.step();
      run->trainer.step();
      at::Tensor(bias).copy_(kept);
      run->steps(4);
    }
    EXPECT_EQ(seldom.trainer.progress().skipped, 2);
    expect_same_progress(often, seldom);
  }
}

TEST_F(Precisions, LossesAreReadAtTheEndOfThePeriod) {
  Settings settings = some_settings();
  settings.train.read_every = 3;
  SmallRun run(settings, split_);
  for (int step = 0; step < 3; ++step) {
    EXPECT_EQ(run.trainer.gradient_norm(), 0) << "nothing was read yet";
    run.trainer.step();
  }
  EXPECT_GT(run.trainer.gradient_norm(), 0);
  EXPECT_EQ(run.trainer.progress().window_count, 0) << "nothing has been received from the other ranks";
  run.trainer.step();
  EXPECT_EQ(run.trainer.progress().window_count, 36);
  run.trainer.settle();
  EXPECT_EQ(run.trainer.progress().window_count, 48);
}

TEST_F(Precisions, SixteenBitsLearnAsThirtyTwoDo) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh}) {
    Settings settings = some_settings();
    settings.model.cell = cell;
    SmallRun whole(settings, split_);
    whole.steps(40);
    for (const Precision precision : {Precision::kBf16, Precision::kFp16}) {
      settings.train.precision = precision;
      SmallRun run(settings, split_);
      run.steps(40);
      EXPECT_EQ(run.values().scalar_type(), at::kFloat);
      EXPECT_EQ(run.trainer.progress().skipped, 0);
      EXPECT_FALSE(same_bits(run.values(), whole.values())) << "nothing was rounded";
      // 8 and 11 bits of mantissa: errors of 4e-3 and 5e-4 in each product, over 40 steps.
      EXPECT_NEAR(window_loss(run), window_loss(whole), precision == Precision::kBf16 ? 2e-2 : 4e-3)
          << enum_name(cell) << ", " << enum_name(precision);
    }
  }
}

TEST_F(Precisions, TheLossScaleHalvesAfterAnOverflowAndTravels) {
  Settings settings = some_settings();
  settings.train.precision = Precision::kFp16;
  settings.train.read_every = 2;
  SmallRun run(settings, split_);
  Checkpoint start = run.saved();
  start.saved.owners()["loss_scale"]["scale"] =
      std::ldexp(1.0, 26);  // times gradients near 1 / 12: beyond 65,504
  run.trainer.restore_from(start);
  const auto loss_scale = [](const SmallRun& of) { return of.saved().saved.owners().at("loss_scale"); };
  run.steps(16);
  const Trainer::Progress& after = run.trainer.progress();
  EXPECT_GT(after.skipped, 1);
  EXPECT_LT(after.skipped, 12);
  EXPECT_EQ(after.skipped_in_a_row, 0);
  EXPECT_EQ(std::get<double>(loss_scale(run)["scale"]),
            std::ldexp(1.0, static_cast<int>(26 - after.skipped)));
  EXPECT_EQ(std::get<int64_t>(loss_scale(run)["good_steps"]), 16 - after.skipped);

  write_checkpoint(folder_ / "file", run.saved());
  const Checkpoint found = read_checkpoint(folder_ / "file");
  SmallRun second(settings, split_);
  second.trainer.restore_from(found);
  run.steps(5);
  second.steps(5);
  expect_same_progress(run, second);
  EXPECT_EQ(loss_scale(second), loss_scale(run));
}

}  // namespace
}  // namespace charrnn
