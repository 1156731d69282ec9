// The small message of each step: every rank sends the others its loss sum, its count, whether it should
// stop, and how long its own work took. It is sent after a step and received after the next one's backward,
// so that no rank waits for it; all ranks receive it at the same step, so they decide alike.
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
    StopReason::kMaxSeconds};  // the first that a rank has counts for all

class ControlMessage {
 public:
  explicit ControlMessage(Communicator& comm);

  // The one before must have been received.
  void send(double loss_sum, double count, StopReason stop, double work_seconds);
  // Waits for what was sent. False if nothing is under way.
  bool receive();

  // Of the message received last, over all ranks.
  double loss_sum() const { return (*values_)[kLossSum]; }  // nats
  double count() const { return (*values_)[kCount]; }       // targets
  StopReason stop() const;
  std::span<const double> work_seconds() const {
    return std::span(*values_).subspan(kFixed);
  }  // of each rank

 private:
  enum Place : size_t { kLossSum, kCount, kStops, kFixed = kStops + kStopReasons.size() };

  Communicator& comm_;
  std::shared_ptr<std::vector<double>> values_;  // with the communicator, until they are received
  bool is_under_way_ = false;
};

}  // namespace charrnn
