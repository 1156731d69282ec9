// How often something is done: once in a number of steps or epochs, such as 1.5 epochs. 0: never.
#pragma once

namespace charrnn {

struct Period {
  Period() = default;
  Period(double given_steps) : count(given_steps) {}
  Period(double given_count, bool given_epochs) : count(given_count), in_epochs(given_epochs) {}
  bool operator==(const Period&) const = default;

  bool is_on() const { return count > 0; }
  double steps(double steps_per_epoch) const { return in_epochs ? count * steps_per_epoch : count; }

  double count = 0;
  bool in_epochs = false;
};

}  // namespace charrnn
