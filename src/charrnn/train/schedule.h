// The learning rate as a function of the step, never of the clock.
#pragma once

#include <cstdint>
#include <functional>

#include "charrnn/config/train_settings.h"

namespace charrnn {

// For the step that follows `step` finished ones, in a run of `total_steps`: a linear warm-up from
// rate / warmup_steps to the rate; then
//   constant      the rate
//   plateau       the rate; plateau.h has the factor of the cuts
//   step          times `factor` after every `step_size` steps (PyTorch's StepLR)
//   linear        a straight line down to final_fraction of the rate at the end (LinearLR)
//   cosine        a half cosine down to the same (CosineAnnealingLR; Loshchilov and Hutter 2016)
//
//   inverse_sqrt  times sqrt(w / (w + steps since)), w being the warm-up, at least 1 (Vaswani et al. 2017)
//
// all times batch_scale.
double learning_rate(const TrainSettings& settings, int64_t step, int64_t total_steps);

// The learning rate of the step that follows `step` completed steps.
using Schedule = std::function<double(int64_t step)>;

// train.schedule, for a run of `total_steps`.
Schedule configured_schedule(const TrainSettings& settings, int64_t total_steps);

// The factor of train.scale_learning_rate: batch_size / reference_batch_size (Goyal et al. 2017), its square
// root (Krizhevsky 2014), or 1.
double batch_scale(const TrainSettings& settings);

}  // namespace charrnn
