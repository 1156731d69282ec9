// The learning rate as a function of the step alone, never of the clock.
#pragma once

#include <cstdint>
#include <functional>

#include "charrnn/config/train_settings.h"

namespace charrnn {

// For the step after `step` finished ones, in a run of `total_steps`: linear warm-up from rate / warmup_steps
// to the rate; then
//   constant      the rate
//   plateau       the rate, which plateau.h then cuts
//   step          times `factor` after every `step_size` steps (PyTorch's StepLR)
//   linear        straight down to final_fraction of it at the end (LinearLR)
//   cosine        a half cosine down to there (CosineAnnealingLR; Loshchilov and Hutter 2016)
//
//   inverse_sqrt  times sqrt(w / (w + steps since)), w being the warm-up, at least 1 (Vaswani et al. 2017)
//
// all times batch_scale.
double learning_rate(const TrainSettings& settings, int64_t step, int64_t total_steps);

// The learning rate of the step after `step` finished ones.
using Schedule = std::function<double(int64_t step)>;

// train.schedule, for a run of `total_steps`.
Schedule configured_schedule(const TrainSettings& settings, int64_t total_steps);

// What train.scale_learning_rate makes of the batch: batch_size / reference_batch_size (Goyal et al. 2017),
// its square root (Krizhevsky 2014), or 1.
double batch_scale(const TrainSettings& settings);

}  // namespace charrnn
