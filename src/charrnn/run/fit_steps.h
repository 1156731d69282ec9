// How many steps fit into a time: what --fit-seconds makes of a config.
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

// Times some first steps, an evaluation and a sample, and undoes them: the run that follows is the one that
// its train.steps alone would give. Every rank calls it; rank 0's clock counts. Throws AgreedError where the
// warm-up is longer than what fits.
FittedSteps fit_steps(double seconds, const Settings& settings, const CorpusFolder& corpus, CharRnn& model,
                      Communicator& comm, StopToken stop);

}  // namespace charrnn
