#include "charrnn/train/control_message.h"

#include <algorithm>

#include "charrnn/core/error.h"

namespace charrnn {

ControlMessage::ControlMessage(Communicator& comm)
    : comm_(comm),
      values_(std::make_shared<std::vector<double>>(kFixed + static_cast<size_t>(comm.size()))) {}

void ControlMessage::send(double loss_sum, double count, StopReason stop, double work_seconds) {
  check(!is_under_way_, "expected the control message of the last step to be received before the next");
  std::vector<double>& values = *values_;
  std::fill(values.begin(), values.end(), 0.0);
  values[kLossSum] = loss_sum;
  values[kCount] = count;
  if (stop != StopReason::kNone) values[kStops + static_cast<size_t>(stop) - 1] = 1;
  values[kFixed + static_cast<size_t>(comm_.rank())] = work_seconds;
  comm_.start_control_sum(values_);
  is_under_way_ = true;
}

bool ControlMessage::receive() {
  if (!is_under_way_) return false;
  is_under_way_ = false;
  comm_.finish_control_sum();
  return true;
}

StopReason ControlMessage::stop() const {
  for (const StopReason reason : kStopReasons) {
    if ((*values_)[kStops + static_cast<size_t>(reason) - 1] > 0) return reason;
  }
  return StopReason::kNone;
}

}  // namespace charrnn
