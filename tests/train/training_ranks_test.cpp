// What must hold across the ranks of a training run; under mpirun with 2 and 3 ranks.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "../data/counting_split.h"
#include "../distributed/comm_rank_main.h"
#include "../temporary_folder.h"
#include "charrnn/comm/agreement.h"
#include "charrnn/train/control_message.h"
#include "charrnn/train/trainer.h"

namespace charrnn {
namespace {

constexpr int64_t kV = 11;

Settings some_settings() {
  Settings settings;
  settings.model = {
      .embedding_size = 5, .hidden_size = 13, .layers = 2, .dropout = 0.2, .output_dropout = {}};
  settings.train.batch_size = 6;
  settings.train.sequence_length = 3;
  settings.train.optimizer.learning_rate = 0.02;
  settings.train.clip_norm = 0.5;
  return settings;
}

struct RankRun {
  explicit RankRun(const Settings& run_settings) : settings(run_settings), model(settings.model, kV) {
    model.initialize(3);
    trainer.emplace(settings, 100, model, group(), split);
  }
  void steps(int count) {
    while (count-- > 0) trainer->step();
    trainer->settle();
  }
  double loss() const { return trainer->progress().window_loss_sum / trainer->progress().window_count; }
  at::Tensor values() const { return model.parameters().values().clone(); }

  Settings settings;
  TemporaryFolder folder;
  SplitInfo split = counting_split(folder, {43, 61}, 1, kV);  // each rank has its own copy
  CharRnn model;
  std::optional<Trainer> trainer;
};

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return at::equal(a.view(at::kInt), b.view(at::kInt));
}

bool is_last() {
  return group().rank() == group().size() - 1;
}

// Rank r has r + 1 targets of a loss of 2^r each. A mean of the ranks' means would be (1 + 2 + 4) / 3 with
// three.
TEST(TrainingRanks, SumsOfUnevenWorkAreExact) {
  ControlMessage control(group());
  const double own = std::ldexp(1.0, group().rank());
  const double count = group().rank() + 1;
  for (int repeat = 0; repeat < 3; ++repeat) {
    control.send(own * count, count, is_last() ? StopReason::kTimeLimit : StopReason::kNone, own);
    std::vector<double> other{1.0};
    group().all_reduce_sum(other);  // runs at the same time
    EXPECT_TRUE(control.receive());
    EXPECT_FALSE(control.receive());
    const bool two = group().size() == 2;
    EXPECT_EQ(control.loss_sum(), two ? 1 + 2 * 2 : 1 + 2 * 2 + 4 * 3);
    EXPECT_EQ(control.count(), two ? 3 : 6);
    EXPECT_EQ(control.stop(), StopReason::kTimeLimit);
    for (size_t rank = 0; rank < control.work_seconds().size(); ++rank) {
      EXPECT_EQ(control.work_seconds()[rank], std::ldexp(1.0, static_cast<int>(rank)));
    }
  }
}

TEST(TrainingRanks, AllStopForTheReasonThatWeighsMost) {
  ControlMessage control(group());
  control.send(0, 0, is_last() ? StopReason::kSignal : StopReason::kMaxSeconds, 0);
  control.receive();
  EXPECT_EQ(control.stop(), StopReason::kSignal);
  control.send(0, 0, StopReason::kNone, 0);
  control.receive();
  EXPECT_EQ(control.stop(), StopReason::kNone);
}

TEST(TrainingRanks, AFlippedBitIsNoticedAndItsRankNamed) {
  RankRun run(some_settings());
  run.steps(4);
  EXPECT_NO_THROW(run.trainer->check_replicas());
  if (is_last()) {
    at::Tensor bits = run.model.parameters().values().view(at::kInt);
    bits[17].bitwise_xor_(1);
  }
  try {
    run.trainer->check_replicas();
    ADD_FAILURE() << "expected AgreedError on all ranks";
  } catch (const AgreedError& error) {
    if (group().rank() != 0) return;  // only rank 0 reports
    EXPECT_THAT(error.what(), testing::HasSubstr("after step 4"));
    EXPECT_THAT(error.what(), testing::HasSubstr(concat("rank ", group().size() - 1, " (host ")));
    // With two ranks it is unknown which one is right.
    const bool names_rank_0 = std::string(error.what()).find("rank 0") != std::string::npos;
    EXPECT_EQ(names_rank_0, group().size() == 2) << error.what();
  }
}

TEST(TrainingRanks, AMomentThatDiffersIsNoticedToo) {
  RankRun run(some_settings());
  run.steps(1);
  Checkpoint checkpoint;
  run.trainer->save_to(checkpoint);
  // The saved tensors share the optimizer's memory.
  if (group().rank() == 0) at::Tensor(checkpoint.moments.at("exp_avg").at("head.bias")).add_(1e-6);
  EXPECT_THROW(run.trainer->check_replicas(), AgreedError);
}

TEST(TrainingRanks, BucketsOfLayersGiveTheSameNumbers) {
  Settings settings = some_settings();
  RankRun whole(settings);
  settings.comm.gradient_buckets = GradientBuckets::kLayer;
  RankRun layers(settings);
  for (int step = 0; step < 10; ++step) {
    whole.steps(1);
    layers.steps(1);
    if (group().size() == 2) {  // a sum of two does not depend on the order
      ASSERT_TRUE(same_bits(whole.values(), layers.values())) << "step " << step;
    } else {
      ASSERT_LT((whole.values() - layers.values()).abs().max().item<double>(), 1e-5) << "step " << step;
    }
  }
  EXPECT_NO_THROW(layers.trainer->check_replicas());
}

// Rounding to 8 or 11 bits of mantissa: relative errors of 2^-9 and 2^-12 in each gradient, and replicas stay
// equal.
TEST(TrainingRanks, HalvesTravelCloseToFloats) {
  Settings settings = some_settings();
  settings.train.optimizer.name = OptimizerName::kSgd;
  settings.train.optimizer.learning_rate = 0.5;
  RankRun floats(settings);
  floats.steps(5);
  for (const GradientType type : {GradientType::kBf16, GradientType::kFp16}) {
    for (const GradientBuckets buckets : {GradientBuckets::kOne, GradientBuckets::kLayer}) {
      settings.comm.gradient_type = type;
      settings.comm.gradient_buckets = buckets;
      RankRun halves(settings);
      halves.steps(5);
      EXPECT_NO_THROW(halves.trainer->check_replicas());
      EXPECT_FALSE(same_bits(halves.values(), floats.values())) << "they did round";
      const double difference = (halves.values() - floats.values()).abs().max().item<double>();
      EXPECT_LT(difference, type == GradientType::kBf16 ? 4e-3 : 5e-4) << enum_name(type);
    }
  }
}

TEST(TrainingRanks, ASpikeIsSkippedOnAll) {
  Settings settings = some_settings();
  settings.model.dropout = 0;
  settings.train.optimizer.name = OptimizerName::kSgd;
  settings.train.optimizer.learning_rate = 0.01;
  settings.train.clip_norm = 0;
  settings.train.skip_spikes_above = 3;
  RankRun run(settings);
  run.steps(60);
  const int64_t spikes = run.trainer->progress().spikes;  // chance makes one or two
  const at::Tensor before = run.values();
  // Only the last rank's lanes give the large gradient.
  const at::Tensor head = run.model.parameters()["head.weight"].detach();
  const at::Tensor kept = head.clone();
  if (is_last()) at::Tensor(head).mul_(1000);
  run.steps(1);
  at::Tensor(head).copy_(kept);
  EXPECT_EQ(run.trainer->progress().spikes, spikes + 1);
  EXPECT_TRUE(same_bits(run.values(), before));
  EXPECT_NO_THROW(run.trainer->check_replicas());
}

TEST(TrainingRanks, ANotFiniteNumberOnOneRankSkipsTheStepOnAll) {
  RankRun run(some_settings());
  run.steps(2);
  const at::Tensor before = run.values();
  const at::Tensor bias = run.model.parameters()["head.bias"].detach();
  const at::Tensor kept = bias.clone();
  if (is_last()) at::Tensor(bias).fill_(std::numeric_limits<float>::quiet_NaN());
  run.steps(1);
  at::Tensor(bias).copy_(kept);
  EXPECT_EQ(run.trainer->progress().skipped, 1);
  EXPECT_TRUE(same_bits(run.values(), before));
  EXPECT_TRUE(std::isfinite(run.loss())) << "nothing of it is in the sums";
  run.steps(1);
  EXPECT_EQ(run.trainer->progress().skipped, 1);
  EXPECT_NO_THROW(run.trainer->check_replicas());
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_rank_tests(argc, argv);
}
