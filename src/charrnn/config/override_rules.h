// What a --set replaces besides its own setting: --set train.steps=10 replaces train.epochs of the file.
#pragma once

#include <span>

#include "charrnn/config/config.h"

namespace charrnn {

// If `winner` was given by --set and `loser` by the file, `yield` changes the loser so that the two don't
// contradict each other. It returns false, and changes nothing, if they do not.
struct OverrideRule {
  const char* winner;
  const char* loser;
  bool (*yield)(Settings& settings);
};

std::span<const OverrideRule> override_rules();

// Applies the rules, with a note in `config.notes` for each change. Two settings of the file, or two --set,
// that contradict each other stay as they are.
void let_overrides_win(Config& config);

}  // namespace charrnn
