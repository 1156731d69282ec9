// Entropies of the training split, in bits per character: a model that has learned something is below them.
#pragma once

namespace charrnn {

struct Baselines {
  double unigram_bits = 0;  // H(target)
  double bigram_bits = 0;   // H(target | its character)
};

}  // namespace charrnn
