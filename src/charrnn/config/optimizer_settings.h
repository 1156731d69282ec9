// The section `train.optimizer`: the rule by which a gradient changes the weights.
#pragma once

#include "charrnn/config/enum_names.h"

namespace charrnn {

enum class OptimizerName { kSgd, kRmsprop, kAdam, kAdamW };
constexpr auto names_of(OptimizerName) {
  return enum_names("sgd", "rmsprop", "adam", "adamw");
}

struct OptimizerSettings {
  OptimizerName name = OptimizerName::kAdam;
  double learning_rate = 0.002;  // at the top of the schedule
  double momentum = 0.0;         // sgd, rmsprop
  bool nesterov = false;         // sgd
  double alpha = 0.99;           // rmsprop: decay rate of the mean square
  double beta1 = 0.9;            // adam, adamw: decay rate of the first moment
  double beta2 = 0.999;          // adam, adamw: decay rate of the second moment
  double epsilon = 1e-8;         // rmsprop, adam, adamw: added to the denominator
  bool amsgrad = false;          // adam, adamw: divide by the largest second moment so far
  double weight_decay = 0.0;     // L2, or decoupled with adamw

  bool is_adam() const { return name == OptimizerName::kAdam || name == OptimizerName::kAdamW; }
};

}  // namespace charrnn
