// The learning rate as a function of the step alone, never of the clock.
#pragma once

#include <cstdint>

#include "config/settings.h"

namespace charrnn {

// For the step after `step` finished ones, in a run of `total_steps`: linear warm-up from rate / warmup_steps
// to the rate; then constant, or a half cosine down to final_fraction of it (Loshchilov and Hutter 2016,
// without restarts); all times batch_scale.
double learning_rate(const TrainSettings& settings, int64_t step, int64_t total_steps);

// What train.scale_learning_rate makes of the batch: batch_size / reference_batch_size (Goyal et al. 2017),
// its square root (Krizhevsky 2014), or 1.
double batch_scale(const TrainSettings& settings);

}  // namespace charrnn
