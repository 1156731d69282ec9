// The samples of a run: one for each prefix and temperature of its config.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

struct Sample {
  std::string prefix;  // cleaned as the corpus was
  double temperature = 1;
  std::string text;
};

// What a checkpoint says about them: a signal came in between, and the resumed run makes up for them.
struct PostponedSamples {
  bool are_postponed = false;

  template <class Self, class Visitor>
  static void visit(Self& samples, const Visitor& v) {
    v("are_postponed", samples.are_postponed);
  }
};

// On one rank; the others learn by the heartbeat of `comm` that it works. Draws the same texts for the same
// step and seed. nullopt if a stop was requested in between: all
// texts or none.
std::optional<std::vector<Sample>> draw_samples(const CharRnn& model, const CorpusFolder& corpus,
                                                const Settings& settings, int64_t step, Communicator& comm,
                                                StopToken stop);

}  // namespace charrnn
