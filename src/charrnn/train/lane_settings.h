// The lanes of a run, from its settings.
#pragma once

#include "charrnn/config/settings.h"
#include "charrnn/data/reading_plan.h"

namespace charrnn {

// `settings` with train.batch_size for this number of ranks: train.lanes_per_rank times `ranks`, if that is
// set.
Settings with_lanes_of(Settings settings, int ranks);

LaneOptions lane_options(const Settings& settings);

// Throws Error (kInput) if train.accumulate does not divide the lanes of each rank.
void check_groups(const TrainSettings& settings, int ranks);

}  // namespace charrnn
