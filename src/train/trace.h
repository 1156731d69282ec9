// What a rank did in its first steps and when, as a file that Perfetto and chrome://tracing draw: one row for
// the phases of a step, one for the sums that go on beside them. Times are the host's: on a GPU those of
// queueing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.h"

namespace charrnn {

class Trace {
 public:
  // Phases of the step; sums over ranks, which may go on side by side: one row for each.
  static constexpr int kStepRow = 0;
  static constexpr int kFirstSumRow = 1;

  // Of `steps` steps of this rank; with 0 steps nothing is recorded. A run that ends before leaves those it
  // made.
  Trace(std::filesystem::path file, int64_t steps, int rank);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  bool is_on() const { return steps_left_ > 0; }
  void add(const std::string& name, Clock::time_point begin, Clock::time_point end, int row = kStepRow);
  // After the last step the file is written. Throws Error where it cannot be.
  void end_step();

 private:
  void write();

  struct Event {
    std::string name;
    Clock::time_point begin;
    Clock::time_point end;
    int row;
  };

  std::filesystem::path file_;
  int64_t steps_left_;
  int rank_;
  std::vector<Event> events_;
};

// A phase of the step, from construction to destruction.
class TracedPhase {
 public:
  TracedPhase(Trace& trace, const char* name) : trace_(trace), name_(name), begin_(Clock::now()) {}
  ~TracedPhase() {
    if (trace_.is_on()) trace_.add(name_, begin_, Clock::now());
  }
  TracedPhase(const TracedPhase&) = delete;
  TracedPhase& operator=(const TracedPhase&) = delete;

 private:
  Trace& trace_;
  const char* name_;
  Clock::time_point begin_;
};

}  // namespace charrnn
