#include "train/trace.h"

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"

namespace charrnn {

Trace::Trace(std::filesystem::path file, int64_t steps, int rank)
    : file_(std::move(file)), steps_left_(steps), rank_(rank) {}

void Trace::add(const std::string& name, Clock::time_point begin, Clock::time_point end, Row row) {
  if (is_on()) events_.push_back({name, begin, end, row});
}

void Trace::end_step() {
  if (!is_on() || --steps_left_ > 0) return;
  // The "trace event format": complete events ("X") with times in microseconds, one row for each tid.
  const auto microseconds = [](Clock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
  };
  nlohmann::json events = nlohmann::json::array();
  for (const Row row : {Row::kStep, Row::kSums}) {
    events.push_back({{"name", "thread_name"},
                      {"ph", "M"},
                      {"pid", rank_},
                      {"tid", static_cast<int>(row)},
                      {"args", {{"name", row == Row::kStep ? "step" : "sums over ranks"}}}});
  }
  for (const Event& event : events_) {
    events.push_back({{"name", event.name},
                      {"ph", "X"},
                      {"pid", rank_},
                      {"tid", static_cast<int>(event.row)},
                      {"ts", microseconds(event.begin.time_since_epoch())},
                      {"dur", microseconds(event.end - event.begin)}});
  }
  write_file_atomically(file_, nlohmann::json{{"traceEvents", std::move(events)}}.dump() + "\n");
}

}  // namespace charrnn
