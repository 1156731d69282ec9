// One draw from a model's distribution: logits and a uniform number go in, an id comes out.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "charrnn/config/settings.h"

namespace charrnn {

struct SampleOptions {
  double temperature = 1.0;  // logits are divided by it; 0: always the likeliest character
  int64_t top_k = 0;         // draw among the k likeliest only; 0: among all
  double top_p = 1.0;        // draw among the likeliest that hold this share together (Holtzman et al. 2019)
  uint64_t seed = 1;
  UnknownCharacters unknown = UnknownCharacters::kError;  // of the prefix
};

// The id that a uniform number in [0, 1) falls on. However small the temperature, nothing overflows. Ids
// whose logit is not a finite number are never drawn; if none is finite, the result is 0.
uint32_t pick(std::span<const float> logits, const SampleOptions& options, double uniform);

// "temperature 0.5", or "greedy" for 0.
std::string temperature_text(double temperature);

}  // namespace charrnn
