// How long work is asked to stop: whoever starts the work keeps a StopSource and hands its token in, whoever
// runs a loop asks the token between two rounds. A token is a pointer: the source must outlive it. A signal
// handler may call request_stop (a std::stop_source it may not: that one takes locks).
#pragma once

#include <atomic>
#include <string>

namespace charrnn {

class StopToken {
 public:
  StopToken() = default;  // never asks

  bool stop_requested() const { return value() != 0; }
  // The signal that asked, as a number; 0 if none did.
  int signal() const { return value() > 0 ? value() : 0; }
  // "SIGTERM", or "request" if it was no signal that asked.
  std::string reason() const;

 private:
  friend class StopSource;
  explicit StopToken(const std::atomic<int>& value) : value_(&value) {}
  int value() const { return value_ != nullptr ? value_->load(std::memory_order_relaxed) : 0; }

  const std::atomic<int>* value_ = nullptr;
};

class StopSource {
 public:
  StopSource() = default;
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  StopToken token() const { return StopToken(value_); }
  // From any thread, and from a signal handler with the signal's number.
  void request_stop() noexcept { value_.store(kNoSignal, std::memory_order_relaxed); }
  void request_stop(int signal) noexcept { value_.store(signal, std::memory_order_relaxed); }

 private:
  static constexpr int kNoSignal = -1;
  static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait for a lock");

  std::atomic<int> value_{0};  // 0: nobody asked; a signal's number; kNoSignal
};

}  // namespace charrnn
