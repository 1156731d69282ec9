#include "train/trace.h"

#include <map>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"

namespace charrnn {

Trace::Trace(std::filesystem::path file, int64_t steps, int rank)
    : file_(std::move(file)), steps_left_(steps), rank_(rank) {}

Trace::~Trace() {
  if (!is_on() || events_.empty()) return;
  try {
    write();
  } catch (const Error& error) {
    log::warning(error.what());
  }
}

void Trace::add(const std::string& name, Clock::time_point begin, Clock::time_point end, int row) {
  if (is_on()) events_.push_back({name, begin, end, row});
}

void Trace::end_step() {
  if (is_on() && --steps_left_ == 0) write();
}

void Trace::write() {
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
