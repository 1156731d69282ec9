// A loss over some targets: a sum and a count, divided only when the loss is read, so that losses can be
// added.
#pragma once

#include <cmath>
#include <numbers>

#include "charrnn/data/corpus_folder.h"

namespace charrnn {

struct Loss {
  double sum_nats = 0;
  double count = 0;              // targets
  double unknown = 0;            // targets that are <unk>; only of a whole split
  Unit unit = Unit::kCodePoint;  // what a target is

  double nats() const { return sum_nats / count; }
  double perplexity() const { return std::exp(nats()); }
  double bits() const { return nats() / std::numbers::ln2; }  // per target
  double unknown_share() const { return unknown / count; }
};

// "bits/char" or "bits/byte"; "bits_per_character" or "bits_per_byte".
const char* bits_label(Unit unit);
const char* bits_key(Unit unit);

}  // namespace charrnn
