#include "charrnn/run/dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/comm/solo.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/train/trainer.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

class DryRun : public testing::Test {
 protected:
  DryRun() {
    settings_.model.embedding_size = 5;
    settings_.model.hidden_size = 7;
    settings_.model.layers = 2;
    settings_.train.batch_size = 6;
    settings_.train.sequence_length = 4;
    settings_.train.random_offset = false;
    settings_.train.steps = 1234;
  }

  CorpusFolder corpus() const {
    std::string text;
    for (int i = 0; i < 500; ++i) text += static_cast<char>('a' + i % 11);
    CorpusSettings corpus;
    corpus.sources = {folder_.write("a.txt", text).string()};
    corpus.output = (folder_ / "a").string();
    corpus.split = {.by = SplitBy::kTail, .valid = 0.2, .test = 0};
    corpus.shard_size = 210;  // 400 characters in two shards of 200
    build_corpus(corpus);
    return CorpusFolder::open(folder_ / "a");
  }

  TemporaryFolder folder_;
  CorpusFolder corpus_ = corpus();
  Settings settings_;
};

TEST_F(DryRun, NumbersByHand) {
  const RunSize size = estimate_run(settings_, corpus_, 2);
  EXPECT_EQ(size.parameters, 11 * 5 + 28 * (5 + 7 + 2) + 28 * (7 + 7 + 2) + 11 * 7 + 11);
  EXPECT_EQ(size.lane_length, 33) << "199 / 6";
  EXPECT_EQ(size.steps_per_epoch, 16) << "33 / 4 in each shard";
  EXPECT_EQ(size.total_steps, 1234);
  EXPECT_EQ(size.checkpoint_bytes, 4.0 * (3 * 983 + 2 * 2 * 6 * 7)) << "weights, two moments, two states";
  settings_.run.device = DeviceName::kCpu;
  const std::string text = to_text(size, settings_, 2);
  for (const char* part :
       {"983", "16 of 6 lanes x 4 characters", "1,234", "33 characters", "(2 ranks, on the CPU)"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST_F(DryRun, TheLengthOfTheRun) {
  settings_.train.steps.reset();
  EXPECT_EQ(estimate_run(settings_, corpus_, 1).total_steps, 0);
  EXPECT_THAT(to_text(estimate_run(settings_, corpus_, 1), settings_, 1), HasSubstr("--fit-seconds"));
  settings_.train.epochs = 2.5;
  EXPECT_EQ(estimate_run(settings_, corpus_, 1).total_steps, 40);
}

TEST_F(DryRun, ACheckpointIsAsLargeAsPredicted) {
  CharRnn model(settings_.model, 11);
  model.initialize(1);
  const auto comm = make_solo_communicator();
  const Trainer trainer(settings_, 10, model, *comm, corpus_.require_split("train"));
  Checkpoint checkpoint;
  trainer.save_to(checkpoint);
  double bytes = 0;
  for (const auto& [name, tensor] : checkpoint.weights) bytes += static_cast<double>(tensor.nbytes());
  for (const auto& [moment, tensors] : checkpoint.moments) {
    for (const auto& [name, tensor] : tensors) bytes += static_cast<double>(tensor.nbytes());
  }
  bytes += static_cast<double>(checkpoint.state.h.nbytes() + checkpoint.state.c.nbytes());
  EXPECT_EQ(estimate_run(settings_, corpus_, 1).checkpoint_bytes, bytes);
}

TEST_F(DryRun, MoreOfEverythingTakesMoreMemory) {
  const double memory = estimate_run(settings_, corpus_, 2).memory_bytes;
  EXPECT_LT(estimate_run(settings_, corpus_, 3).memory_bytes, memory) << "fewer lanes a rank";
  settings_.model.hidden_size = 14;
  EXPECT_GT(estimate_run(settings_, corpus_, 2).memory_bytes, memory);
  settings_.model.hidden_size = 7;
  settings_.train.optimizer.name = OptimizerName::kSgd;
  // Two fewer flat buffers.
  EXPECT_EQ(estimate_run(settings_, corpus_, 2).memory_bytes, memory - 2 * 4 * 983.0);
}

TEST_F(DryRun, TheDeviceIsTheOneThatWouldBeUsed) {
  const VisibleGpus none{.gpus = {}, .missing = "no NVIDIA driver"};
  const VisibleGpus two{.gpus = {{"GPU-1", "H100", 9, 0}, {"GPU-2", "T4", 7, 5}}, .missing = ""};
  EXPECT_FALSE(expected_device(DeviceName::kCpu, two).cuda);
  EXPECT_FALSE(expected_device(DeviceName::kAuto, none).cuda);
  EXPECT_EQ(expected_device(DeviceName::kAuto, two).gpu.kind, "H100");
  EXPECT_TRUE(expected_device(DeviceName::kCuda, none).cuda) << "a login node";
  const auto text = [&](DeviceName name, const VisibleGpus& gpus) {
    settings_.run.device = name;
    return to_text(estimate_run(settings_, corpus_, 1, expected_device(name, gpus)), settings_, 1);
  };
  EXPECT_THAT(text(DeviceName::kAuto, none), HasSubstr("on the CPU: no usable GPU on this machine)"));
  EXPECT_THAT(text(DeviceName::kAuto, two), HasSubstr("on a GPU, H100; CUDA needs another 500 to 800 MB"));
  EXPECT_THAT(text(DeviceName::kCuda, none), HasSubstr("on a GPU, not on this machine; CUDA"));
}

// 983 weights; per rank 3 lanes of 4 characters; E 5, H 7, V 11, an LSTM of two layers.
TEST_F(DryRun, MemoryOfAGpuByHand) {
  const Device h100{.cuda = true, .index = 0, .gpu = {"GPU-1", "H100", 9, 0}};
  const auto bytes = [&] { return estimate_run(settings_, corpus_, 2, h100).memory_bytes; };
  const double workspaces = (64 + 32) * 1048576.0;
  const double state = 6 * (2 * 2 * 6 * 7) / 2.0;
  // Weights, gradients, two moments and new gradients; ids; embeddings; outputs and reserves; logits, their
  // logarithms and gradients (396 floats) are less than backward's (12 * 7 * (1 + 1 + 4)).
  const double plain =
      4 * (5 * 983 + state) + 2 * 12 * 8 + 4 * (12 * 5 + 2 * (12 * 7 + 6 * 12 * 7) + 12 * 7 * 6) + workspaces;
  EXPECT_EQ(bytes(), plain);
  settings_.model.dropout = 0.1;  // both layers' outputs, and one more gradient
  EXPECT_EQ(bytes(), plain + 4 * 3 * 12 * 7);
  settings_.model.dropout = 0;
  settings_.train.precision = Precision::kBf16;
  // Weights and gradients rounded; embeddings too; outputs and backward in 2 bytes, logits in both.
  EXPECT_EQ(bytes(), 4 * (5 * 983 + state) + 4 * 983 + 2 * 12 * 8 + 6 * 12 * 5 +
                         2 * (2 * 12 * 7 + 4 * 6 * 12 * 7) + 12 * 11 * 16 + workspaces);
  const Device t4{.cuda = true, .index = 0, .gpu = {"GPU-2", "T4", 7, 5}};
  EXPECT_EQ(estimate_run(settings_, corpus_, 2, t4).memory_bytes, bytes() - 28 * 1048576.0);
}

TEST_F(DryRun, WhatDoesNotFitIsAUsageError) {
  EXPECT_THAT(usage_error_of([&] { estimate_run(settings_, corpus_, 4); }), HasSubstr("4 ranks"));
  settings_.train.sequence_length = 34;
  EXPECT_THAT(usage_error_of([&] { estimate_run(settings_, corpus_, 2); }), HasSubstr("too short"));
}

}  // namespace
}  // namespace charrnn
