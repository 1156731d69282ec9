// The last operations of a rank with other ranks: when each started, and whether it has ended. For the
// watchdog and for reports. All inline, because the NCCL module uses it and is not linked with charrnn.
// Thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/core/running_clock.h"

namespace charrnn {

struct Operation {
  using Time = RunningClock::Time;
  enum class State { kStarted, kAwaited, kDone };

  int64_t sequence = 0;  // counts the operations of a rank from 1; equal on all ranks
  std::string name;      // "all_reduce_sum"
  size_t bytes = 0;
  int64_t step = 0;
  State state = State::kStarted;
  Time began{};
  Time awaited{};                   // when the host began to wait
  Time ended{};                     // when the host noticed the end
  std::optional<double> own_limit;  // seconds, in place of comm.timeout_seconds
};

// "all_reduce_sum of 4000 bytes (operation 45, step 31)"
inline std::string to_text(const Operation& operation) {
  const std::string size = operation.bytes > 0 ? concat(" of ", operation.bytes, " bytes") : "";
  return concat(operation.name, size, " (operation ", operation.sequence, ", step ", operation.step, ")");
}

class OperationLog {
 public:
  static constexpr size_t kKept = 64;

  explicit OperationLog(RunningClock& clock = running_clock()) : clock_(clock) {}

  // Adds an operation that the host does not wait for yet. Returns its sequence number.
  int64_t start(std::string name, size_t bytes) { return add(std::move(name), bytes, {}, {}); }
  // Adds an operation that the host waits for at once.
  int64_t start_and_await(std::string name, size_t bytes, std::optional<double> own_limit = {}) {
    return add(std::move(name), bytes, own_limit, clock_.now());
  }
  void await(int64_t sequence) {
    change(sequence, [now = clock_.now()](Operation& operation) {
      operation.state = Operation::State::kAwaited;
      operation.awaited = now;
    });
  }
  // The host does something else while the operation continues.
  void stop_awaiting(int64_t sequence) {
    change(sequence, [](Operation& operation) { operation.state = Operation::State::kStarted; });
  }
  void end(int64_t sequence) {
    change(sequence, [now = clock_.now()](Operation& operation) {
      operation.state = Operation::State::kDone;
      operation.ended = now;
    });
  }

  // The training step that later operations belong to.
  void set_step(int64_t step) {
    const std::lock_guard lock(mutex_);
    step_ = step;
  }

  // Oldest first.
  std::vector<Operation> last() const {
    const std::lock_guard lock(mutex_);
    return {operations_.begin(), operations_.end()};
  }
  Operation operator[](int64_t sequence) const {
    const std::lock_guard lock(mutex_);
    for (const Operation& operation : operations_) {
      if (operation.sequence == sequence) return operation;
    }
    return {};
  }
  // The operation that the host waits for, if any. (Earlier ones may be in that state after an error.)
  std::optional<Operation> awaited() const {
    const std::lock_guard lock(mutex_);
    std::optional<Operation> latest;
    for (const Operation& operation : operations_) {
      const bool is_awaited = operation.state == Operation::State::kAwaited;
      if (is_awaited && (!latest || operation.awaited >= latest->awaited)) latest = operation;
    }
    return latest;
  }

 private:
  int64_t add(std::string name, size_t bytes, std::optional<double> own_limit,
              std::optional<Operation::Time> awaited) {
    const std::lock_guard lock(mutex_);
    if (operations_.size() >= kKept) {  // operations that have not ended are kept
      const auto done = std::find_if(operations_.begin(), operations_.end(), [](const Operation& operation) {
        return operation.state == Operation::State::kDone;
      });
      if (done != operations_.end()) operations_.erase(done);
    }
    const Operation::Time now = clock_.now();
    operations_.push_back({++sequence_, std::move(name), bytes, step_,
                           awaited ? Operation::State::kAwaited : Operation::State::kStarted, now,
                           awaited.value_or(now), now, own_limit});
    return sequence_;
  }
  template <class Change>
  void change(int64_t sequence, const Change& apply) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(operations_.rbegin(), operations_.rend(),
                     [&](const Operation& operation) { return operation.sequence == sequence; });
    if (found != operations_.rend()) apply(*found);
  }

  RunningClock& clock_;
  mutable std::mutex mutex_;
  std::deque<Operation> operations_;
  int64_t sequence_ = 0;
  int64_t step_ = 0;
};

// An operation that the host waits for from construction to destruction. It ends even after an error, because
// the next wait has its own limit.
class AwaitedOperation {
 public:
  // An operation that was started before.
  AwaitedOperation(OperationLog& log, int64_t sequence) : log_(log), sequence_(sequence) {
    log.await(sequence);
  }
  AwaitedOperation(OperationLog& log, std::string name, size_t bytes, std::optional<double> own_limit = {})
      : log_(log), sequence_(log.start_and_await(std::move(name), bytes, own_limit)) {}
  ~AwaitedOperation() { log_.end(sequence_); }
  AwaitedOperation(const AwaitedOperation&) = delete;
  AwaitedOperation& operator=(const AwaitedOperation&) = delete;

  int64_t sequence() const { return sequence_; }

 private:
  OperationLog& log_;
  int64_t sequence_;
};

}  // namespace charrnn
