// Draws an id from a model's distribution, given logits and a uniform random number.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "charrnn/config/settings.h"

namespace charrnn {

struct SampleOptions {
  double temperature = 1.0;  // logits are divided by it; 0: always the likeliest character
  int64_t top_k = 0;         // draw only from the k likeliest; 0: from all
  double top_p = 1.0;  // draw only from the likeliest with this total probability (Holtzman et al. 2019)
  uint64_t seed = 1;
  UnknownCharacters unknown = UnknownCharacters::kError;  // in the prefix
};

// The id that a uniform number in [0, 1) selects. Nothing overflows, however small the temperature is. Ids
// whose logit is not finite are never drawn; if no logit is finite, the result is 0.
uint32_t pick(std::span<const float> logits, const SampleOptions& options, double uniform);

// "temperature 0.5", or "greedy" for 0.
std::string temperature_text(double temperature);

}  // namespace charrnn
