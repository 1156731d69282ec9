// The loss of a model on a whole split, over all ranks: every target counted once, sums and counts added over
// the ranks and divided once. So the value is the same for any number of ranks.
#pragma once

#include <cmath>
#include <numbers>
#include <optional>

#include "charrnn/comm/communicator.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

struct Loss {
  double sum_nats = 0;
  double count = 0;              // targets
  double unknown = 0;            // of them, <unk>; only of a whole split
  Unit unit = Unit::kCodePoint;  // what a target is

  double nats() const { return sum_nats / count; }
  double perplexity() const { return std::exp(nats()); }
  double bits() const { return nats() / std::numbers::ln2; }  // per target
  double unknown_share() const { return unknown / count; }
};

// "bits/char" or "bits/byte"; "bits_per_character" or "bits_per_byte".
const char* bits_label(Unit unit);
const char* bits_key(Unit unit);

// Every rank calls it. Draws nothing and leaves the model as it was. nullopt where a signal asked a rank to
// stop. The state is carried through each lane; with a `window` it is zero again after so many characters, as
// models that see no further than a window are evaluated.
std::optional<Loss> evaluate(const CharRnn& model, const SplitInfo& split, int64_t lanes, Communicator& comm,
                             std::optional<int64_t> window = {});

}  // namespace charrnn
