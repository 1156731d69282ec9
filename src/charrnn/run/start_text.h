// What a run prints before its first step.
#pragma once

#include <string>

#include "charrnn/comm/communicator.h"
#include "charrnn/run/prepare_run.h"
#include "charrnn/train/trainer.h"

namespace charrnn {

// Model, corpus, ranks, precision and length; for a new run also the settings that differ from the default.
std::string start_text(const PreparedRun& run, const Trainer& trainer, const Communicator& comm);

// "  learning rate of step 1,001: 0.002 -> 0.001", if new settings of the schedule or of the length of the
// run change it at this step; else "". `factor` is the factor of plateau and rollbacks.
std::string rate_change_text(const PreparedRun& run, double factor);

}  // namespace charrnn
