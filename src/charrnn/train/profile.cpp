#include "charrnn/train/profile.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"

namespace charrnn {

StepProfile::StepProfile(std::filesystem::path file, int rank, std::function<void()> wait)
    : file_(std::move(file)), rank_(rank), wait_(std::move(wait)) {}

StepProfile::~StepProfile() {
  if (!is_tracing() || events_.empty()) return;
  try {
    write();
  } catch (const Error& error) {
    log::warning(error.what());
  }
}

void StepProfile::add_concurrent(const std::string& name, Clock::time_point begin, Clock::time_point end,
                                 int row) {
  if (is_tracing()) events_.push_back({name, begin, end, row});
}

void StepProfile::end_part(const char* name, Clock::time_point begin) {
  if (!file_.empty()) wait_();
  const Clock::time_point end = Clock::now();
  auto part = std::find_if(parts_.begin(), parts_.end(), [&](const Part& p) { return p.name == name; });
  if (part == parts_.end()) part = parts_.insert(part, {name, 0});
  part->seconds += std::chrono::duration<double>(end - begin).count();
  if (is_tracing()) events_.push_back({name, begin, end, kStepRow});
}

void StepProfile::end_step() {
  seconds_ += seconds_since(step_began_);
  ++steps_;
  if (file_.empty() || steps_ != kTracedSteps) return;
  try {
    write();
  } catch (const Error& error) {  // a full disk must not end the run
    log::warning(error.what());
  }
}

std::string StepProfile::text() const {
  if (steps_ == 0) return {};
  const auto line = [&](const std::string& name, double seconds) {
    std::array<char, 64> numbers{};
    std::snprintf(numbers.data(), numbers.size(), "%10.3f  %5.1f %%\n",
                  seconds / static_cast<double>(steps_) * 1e3, seconds / seconds_ * 100);
    return concat(name, std::string(std::max<size_t>(18, name.size() + 1) - name.size(), ' '),
                  numbers.data());
  };
  std::string table = "part of a step            ms   share\n";
  double rest = seconds_;
  for (const Part& part : parts_) {
    table += line(part.name, part.seconds);
    rest -= part.seconds;
  }
  return table + line("the rest", rest) + line("whole step", seconds_);
}

void StepProfile::write() {
  // The "trace event format": complete events ("X") with times in microseconds, one row for each tid.
  const auto microseconds = [](Clock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
  };
  nlohmann::json events = nlohmann::json::array();
  std::map<int, std::string> rows{{kStepRow, "step"}};
  for (const Event& event : events_) {
    if (event.row != kStepRow) rows[event.row] = event.name;
  }
  for (const auto& [row, name] : rows) {
    events.push_back(
        {{"name", "thread_name"}, {"ph", "M"}, {"pid", rank_}, {"tid", row}, {"args", {{"name", name}}}});
  }
  for (const Event& event : events_) {
    events.push_back({{"name", event.name},
                      {"ph", "X"},
                      {"pid", rank_},
                      {"tid", event.row},
                      {"ts", microseconds(event.begin.time_since_epoch())},
                      {"dur", microseconds(event.end - event.begin)}});
  }
  write_file_atomically(file_, nlohmann::json{{"traceEvents", std::move(events)}}.dump() + "\n");
}

}  // namespace charrnn
