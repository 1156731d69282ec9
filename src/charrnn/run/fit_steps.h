// For --fit-seconds: how many steps of a config fit into a given time.
#pragma once

#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

struct FittedSteps {
  int64_t steps = 1;
  double step_seconds = 0;
};

// Times some first steps, an evaluation and a sample, and undoes them, so that the run is the same as one
// started with that train.steps. Every rank calls it; rank 0's clock counts. Throws AgreedError if fewer
// steps fit than the warm-up has.
FittedSteps fit_steps(double seconds, const Settings& settings, const CorpusFolder& corpus, CharRnn& model,
                      Communicator& comm, StopToken stop);

}  // namespace charrnn
