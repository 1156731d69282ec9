// Where the time of a rank's steps goes: sums over the parts of a step, and with train.profile a file of the
// first steps that Perfetto and chrome://tracing draw: one row for the parts, one for each sum over ranks
// that goes on beside them. On a GPU times are those of queueing; with train.profile each part waits for its
// end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "charrnn/core/clock.h"

namespace charrnn {

class StepProfile {
 public:
  static constexpr int64_t kTracedSteps = 50;
  // Rows of the file: parts of the step; sums over ranks, which may go on side by side.
  static constexpr int kStepRow = 0;
  static constexpr int kFirstSumRow = 1;

  struct Part {
    std::string name;
    double seconds = 0;
  };

  // `file` is written after kTracedSteps steps, or by a run that ends before; none where it is empty. With a
  // file `wait` is called at the end of each part, until the device has done what it was given.
  StepProfile(std::filesystem::path file, int rank, std::function<void()> wait);
  ~StepProfile();
  StepProfile(const StepProfile&) = delete;
  StepProfile& operator=(const StepProfile&) = delete;

  // Calls body() as the part NAME of the step and gives its result.
  template <class Body>
  auto measure(const char* name, const Body& body) {
    const Clock::time_point begin = Clock::now();
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      end_part(name, begin);
    } else {
      auto result = body();
      end_part(name, begin);
      return result;
    }
  }
  // Something that went on beside the parts.
  void add_beside(const std::string& name, Clock::time_point begin, Clock::time_point end, int row);
  void begin_step() { step_began_ = Clock::now(); }
  // Throws Error where the file cannot be written.
  void end_step();

  int64_t steps() const { return steps_; }
  double seconds() const { return seconds_; }                // of all steps so far
  const std::vector<Part>& parts() const { return parts_; }  // in the order of a step
  // A table: each part's milliseconds of a step and share. Empty before the first step.
  std::string text() const;

 private:
  void end_part(const char* name, Clock::time_point begin);
  bool is_tracing() const { return !file_.empty() && steps_ < kTracedSteps; }
  void write();

  struct Event {
    std::string name;
    Clock::time_point begin;
    Clock::time_point end;
    int row;
  };

  std::filesystem::path file_;
  int rank_;
  std::function<void()> wait_;
  int64_t steps_ = 0;
  double seconds_ = 0;
  Clock::time_point step_began_;
  std::vector<Part> parts_;
  std::vector<Event> events_;
};

}  // namespace charrnn
