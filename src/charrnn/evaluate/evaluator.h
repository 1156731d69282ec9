// The loss of a model on a whole split, over all ranks: every target counted once, sums and counts added over
// the ranks and divided once. So the value is the same for any number of ranks.
#pragma once

#include <optional>

#include "charrnn/comm/communicator.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/evaluate/loss.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

// Every rank calls it. Draws nothing and leaves the model as it was. nullopt if the `stop` of any rank was
// requested. The state is carried through each lane; with a `window` it is zero again after that many
// characters, as models that see no further than a window are evaluated.
std::optional<Loss> evaluate(const CharRnn& model, const SplitInfo& split, int64_t lanes, Communicator& comm,
                             std::optional<int64_t> window = {}, StopToken stop = {});

}  // namespace charrnn
