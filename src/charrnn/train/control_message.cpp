#include "charrnn/train/control_message.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "charrnn/core/error.h"

namespace charrnn {

ControlMessage::ControlMessage(Communicator& comm)
    : comm_(comm), values_(kFixed + static_cast<size_t>(comm.size())) {}

ControlMessage::~ControlMessage() {
  if (!is_under_way_) return;
  if (std::uncaught_exceptions() > 0) {
    // This rank fails, and must say so before it waits for anybody. MPI may still write into the buffer.
    [[maybe_unused]] const auto* const left_behind = new std::vector<double>(std::move(values_));
    return;
  }
  receive();
}

void ControlMessage::send(double loss_sum, double count, StopReason stop, double work_seconds) {
  check(!is_under_way_, "expected the control message of the last step to be received before the next");
  std::fill(values_.begin(), values_.end(), 0.0);
  values_[kLossSum] = loss_sum;
  values_[kCount] = count;
  if (stop != StopReason::kNone) values_[kStops + static_cast<size_t>(stop) - 1] = 1;
  values_[kFixed + static_cast<size_t>(comm_.rank())] = work_seconds;
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
  for (const StopReason reason :
       {StopReason::kFileError, StopReason::kSignal, StopReason::kTimeLimit, StopReason::kMaxSeconds}) {
    if (values_[kStops + static_cast<size_t>(reason) - 1] > 0) return reason;
  }
  return StopReason::kNone;
}

}  // namespace charrnn
