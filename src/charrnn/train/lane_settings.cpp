#include "charrnn/train/lane_settings.h"

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {

Settings with_lanes_of(Settings settings, int ranks) {
  if (settings.train.lanes_per_rank) settings.train.batch_size = *settings.train.lanes_per_rank * ranks;
  return settings;
}

LaneOptions lane_options(const Settings& settings) {
  return {settings.train.batch_size,  settings.train.sequence_length,
          settings.train.sampling,    settings.train.random_offset,
          settings.train.reset_state, static_cast<uint64_t>(settings.run.seed)};
}

void check_groups(const TrainSettings& settings, int ranks) {
  const int64_t lanes = settings.batch_size / ranks;
  if (lanes % settings.accumulate == 0) return;
  fail_usage("train.accumulate is ", settings.accumulate, ", which does not divide the ", lanes,
             " lanes of each rank (train.batch_size ", settings.batch_size, " on ", plural(ranks, "rank"),
             "): set it to a number that does");
}

}  // namespace charrnn
