// The section `sample`: texts that a run writes while it trains.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "charrnn/config/enum_names.h"
#include "charrnn/config/evaluate_settings.h"
#include "charrnn/config/period.h"

namespace charrnn {

// What to do with a prefix's characters that the vocabulary lacks.
enum class UnknownCharacters { kError, kUnk, kSkip };
constexpr auto names_of(UnknownCharacters) {
  return enum_names("error", "unk", "skip");
}

// Logits are divided by it before a character is drawn; 0, or greedy, always picks the likeliest.
struct Temperature {
  Temperature(double given) : value(given) {}
  Temperature() = default;
  bool operator==(const Temperature&) const = default;

  double value = 1;
};

struct SampleSettings {
  Period every = 1000;
  std::vector<std::string> prefixes;
  int64_t length = 200;                             // characters of each sample
  std::vector<Temperature> temperatures{0.5, 1.0};  // one sample each
  UnknownCharacters unknown_characters = UnknownCharacters::kError;
  WeightsUsed weights = WeightsUsed::kLast;
};

}  // namespace charrnn
