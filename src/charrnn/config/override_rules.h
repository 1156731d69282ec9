// Other settings that a --set replaces: --set train.steps=10 also replaces train.epochs of the file.
#pragma once

#include <span>

#include "charrnn/config/config.h"

namespace charrnn {

// If `winner` was given by --set and `loser` by the file, `yield` resolves a contradiction between them by
// changing `loser`. It returns false, and changes nothing, if they don't contradict each other.
struct OverrideRule {
  const char* winner;
  const char* loser;
  bool (*yield)(Settings& settings);
};

std::span<const OverrideRule> override_rules();

// Applies the rules, with a note in `config.notes` for each change. Contradictions between two settings of
// the file, or between two --set, are not resolved.
void let_overrides_win(Config& config);

}  // namespace charrnn
