// A small model, its trainer and a group of one, for tests of training.
#pragma once

#include <ATen/ATen.h>

#include <memory>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/comm/solo.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/train/trainer.h"

namespace charrnn {

inline constexpr int64_t kV = 11;
inline constexpr int64_t kSteps = 200;  // of the schedule

inline Settings some_settings() {
  Settings settings;
  settings.model = {
      .embedding_size = 5, .hidden_size = 13, .layers = 2, .dropout = 0.2, .output_dropout = {}};
  settings.train.batch_size = 4;
  settings.train.sequence_length = 3;
  settings.train.optimizer.learning_rate = 0.02;
  settings.train.schedule = {.name = ScheduleName::kCosine, .warmup_steps = 2, .final_fraction = 0.1};
  settings.train.clip_norm = 0.5;
  settings.run.seed = 6;
  return settings;
}

// All of it made from settings.
struct SmallRun {
  SmallRun(const Settings& run_settings, const SplitInfo& split, at::Device device = at::kCPU)
      : settings(run_settings),
        model(initialized(run_settings, device)),
        trainer(settings, kSteps, model, *comm, split) {}

  static CharRnn initialized(const Settings& settings, at::Device device = at::kCPU) {
    CharRnn model(settings.model, kV, at::kFloat, device);
    model.initialize(static_cast<uint64_t>(settings.run.seed));
    return model;
  }

  void steps(int count) {
    while (count-- > 0) trainer.step();
    trainer.settle();
  }

  Checkpoint saved() const {
    Checkpoint checkpoint;
    checkpoint.settings = settings;
    checkpoint.vocabulary_json = "{}";
    trainer.save_to(checkpoint);
    return checkpoint;
  }

  const at::Tensor& values() const { return model.parameters().values(); }

  Settings settings;
  std::unique_ptr<Communicator> comm = make_solo_communicator();
  CharRnn model;
  Trainer trainer;
};

// NaNs are equal if their bits are.
inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return at::equal(a.detach().contiguous().view(at::kInt), b.detach().contiguous().view(at::kInt));
}

}  // namespace charrnn
