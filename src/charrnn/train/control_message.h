// The small message of each step: every rank tells the others its loss sum, its count, whether it should
// stop, and how long its own work took. It is sent after a step and taken in after the next one's backward,
// so that no rank waits for it; all ranks take it in at the same step, so they decide alike.
#pragma once

#include <span>
#include <vector>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Why a run should end early. In the order of weight: a signal counts before a time limit.
enum class StopReason { kNone, kMaxSeconds, kTimeLimit, kSignal, kFileError };

class ControlMessage {
 public:
  explicit ControlMessage(Communicator& comm);
  ~ControlMessage();
  ControlMessage(const ControlMessage&) = delete;
  ControlMessage& operator=(const ControlMessage&) = delete;

  // The one before must have been received.
  void send(double loss_sum, double count, StopReason stop, double work_seconds);
  // Waits for what was sent. False where nothing is under way.
  bool receive();

  // Of the message received last, over all ranks.
  double loss_sum() const { return values_[kLossSum]; }  // nats
  double count() const { return values_[kCount]; }       // targets
  StopReason stop() const;
  std::span<const double> work_seconds() const { return std::span(values_).subspan(kFixed); }  // of each rank

 private:
  enum Place : size_t { kLossSum, kCount, kStops, kFixed = kStops + 4 };

  Communicator& comm_;
  std::vector<double> values_;
  bool is_under_way_ = false;
};

}  // namespace charrnn
