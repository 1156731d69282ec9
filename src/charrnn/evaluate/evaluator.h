// The loss of a model on a whole split, over all ranks: every target counts once; sums and counts are added
// over the ranks and divided once. So the value does not depend on the number of ranks.
#pragma once

#include <optional>

#include "charrnn/comm/communicator.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/evaluate/loss.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

// Every rank calls it. Uses no random numbers and does not change the model. nullopt if `stop` was requested
// on any rank. The state is carried through each lane; with a `window` it is set to zero after that many
// characters, to compare with models whose context is limited to a window.
std::optional<Loss> evaluate(const CharRnn& model, const SplitInfo& split, int64_t lanes, Communicator& comm,
                             std::optional<int64_t> window = {}, StopToken stop = {});

}  // namespace charrnn
