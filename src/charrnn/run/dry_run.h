// Estimates the memory, checkpoint size and steps of a run without starting it.
#pragma once

#include <string>

#include "charrnn/comm/place/devices.h"
#include "charrnn/config/settings.h"
#include "charrnn/data/corpus_folder.h"

namespace charrnn {

struct RunSize {
  Device device;  // for which the memory is estimated
  int64_t parameters = 0;
  double memory_bytes = 0;      // of one rank's device, at its peak
  double checkpoint_bytes = 0;  // of one file
  int64_t steps_per_epoch = 0;
  int64_t lane_length = 0;  // characters, of the first shard read
  int64_t total_steps = 0;  // 0 if --fit-seconds will choose it
};

// The device that a rank started on this machine would use. With run.device cuda but no GPU here, such as on
// a cluster's login node, a GPU of compute capability 9.0 without a name.
Device expected_device(DeviceName configured, const VisibleGpus& gpus);

// Throws Error (kInput) if the settings do not fit the corpus.
RunSize estimate_run(const Settings& settings, const CorpusFolder& corpus, int ranks,
                     const Device& device = {});

std::string to_text(const RunSize& size, const Settings& settings, int ranks);

}  // namespace charrnn
