// Measures the time of each part of a rank's steps, and with train.profile writes a trace of the first steps
// for Perfetto and chrome://tracing, with one row for the parts and one for each concurrent sum over ranks.
// On a GPU the time is that of queueing the work; with train.profile each part waits until the GPU has
// finished it.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "charrnn/core/clock.h"

namespace charrnn {

class StepProfile {
 public:
  static constexpr int64_t kTracedSteps = 50;
  // Rows of the trace: parts of the step; sums over ranks, which may overlap.
  static constexpr int kStepRow = 0;
  static constexpr int kFirstSumRow = 1;

  struct Part {
    std::string name;
    double seconds = 0;
  };

  // `file` is written after kTracedSteps steps, or when a shorter run ends; no file if it is empty. With a
  // file, `wait` is called at the end of each part, to wait until the device has finished its work.
  StepProfile(std::filesystem::path file, int rank, std::function<void()> wait);
  ~StepProfile();
  StepProfile(const StepProfile&) = delete;
  StepProfile& operator=(const StepProfile&) = delete;

  // Measures the part `name` of the step during its lifetime. Parts of the same name add up.
  class ScopedPart {
   public:
    // Waiting for the device may throw. A part that ends with an exception is not counted.
    ~ScopedPart() noexcept(false) {  // NOLINT(bugprone-unsafe-to-allow-exceptions)
      if (std::uncaught_exceptions() == exceptions_) profile_.end_part(name_, begin_);
    }
    ScopedPart(const ScopedPart&) = delete;
    ScopedPart& operator=(const ScopedPart&) = delete;

   private:
    friend class StepProfile;
    ScopedPart(StepProfile& profile, const char* name) : profile_(profile), name_(name) {}

    StepProfile& profile_;
    const char* name_;
    Clock::time_point begin_ = Clock::now();
    int exceptions_ = std::uncaught_exceptions();
  };
  ScopedPart part(const char* name) { return {*this, name}; }

  // Something that happened at the same time as the parts.
  void add_concurrent(const std::string& name, Clock::time_point begin, Clock::time_point end, int row);
  void begin_step() { step_began_ = Clock::now(); }
  // Throws Error if the file cannot be written.
  void end_step();

  int64_t steps() const { return steps_; }
  double seconds() const { return seconds_; }                // of all steps so far
  const std::vector<Part>& parts() const { return parts_; }  // in the order of a step
  // A table with the milliseconds per step and the share of each part. Empty before the first step.
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
