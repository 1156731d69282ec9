// The small message of each step: every rank sends the others its loss sum, its number of targets, any reason
// to stop, and the time that it spent working. It is sent after a step and received after the backward of the
// next, so that no rank waits for it; all ranks receive it in the same step, so they make the same decisions.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Why a run should end early.
enum class StopReason { kNone, kMaxSeconds, kTimeLimit, kSignal, kFileError };
inline constexpr std::array kStopReasons{
    StopReason::kFileError, StopReason::kSignal, StopReason::kTimeLimit,
    StopReason::kMaxSeconds};  // the first of these that any rank has applies to all

class ControlMessage {
 public:
  explicit ControlMessage(Communicator& comm);

  // The previous message must have been received.
  void send(double loss_sum, double count, StopReason stop, double work_seconds);
  // Waits for the message that was sent. False if none was.
  bool receive();

  // From the last message received, over all ranks.
  double loss_sum() const { return (*values_)[kLossSum]; }  // nats
  double count() const { return (*values_)[kCount]; }       // targets
  StopReason stop() const;
  std::span<const double> work_seconds() const {
    return std::span(*values_).subspan(kFixed);
  }  // of each rank

 private:
  enum Place : size_t { kLossSum, kCount, kStops, kFixed = kStops + kStopReasons.size() };

  Communicator& comm_;
  std::shared_ptr<std::vector<double>> values_;  // shared with the communicator until they are received
  bool is_under_way_ = false;
};

}  // namespace charrnn
