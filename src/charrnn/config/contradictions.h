// Settings that contradict each other. Each rule has a name, for the tests.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/config.h"

namespace charrnn {

struct Contradiction {
  const char* setting;               // where the message points
  std::string text;                  // what is wrong
  std::vector<std::string> choices;  // any of these after --set resolves it
};

struct ContradictionRule {
  std::string_view name;
  std::optional<Contradiction> (*find)(const Config& config);
};

std::span<const ContradictionRule> contradiction_rules();

// A message for each rule that `config` breaks: where, what, and how to resolve it on the command line.
std::vector<std::string> contradictions(const Config& config);

}  // namespace charrnn
