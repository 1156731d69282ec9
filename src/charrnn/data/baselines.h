// What a model that learns anything must beat: entropies of the training split, in bits per character.
#pragma once

namespace charrnn {

struct Baselines {
  double unigram_bits = 0;  // H(target)
  double bigram_bits = 0;   // H(target | its character)
};

}  // namespace charrnn
