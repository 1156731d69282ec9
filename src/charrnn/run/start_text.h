// What a run prints before its first step.
#pragma once

#include <string>

#include "charrnn/comm/communicator.h"
#include "charrnn/run/prepare_run.h"
#include "charrnn/train/trainer.h"

namespace charrnn {

// Model, corpus, ranks, precision, length; of a new run also the settings that are not the default.
std::string start_text(const PreparedRun& run, const Trainer& trainer, const Communicator& comm);

// "  learning rate of step 1,001: 0.002 -> 0.001", if new settings make it jump: those of the schedule, or of
// the length of the run that it stretches over. Else "". `factor` is what plateau and rollbacks left of it.
std::string rate_change_text(const PreparedRun& run, double factor);

}  // namespace charrnn
