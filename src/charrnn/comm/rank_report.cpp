#include "charrnn/comm/rank_report.h"

#include <algorithm>
#include <sstream>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/log.h"
#include "charrnn/core/running_clock.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAbortPrefix = "abort-report-rank-";
constexpr const char* kOperationsPrefix = "last-operations-rank-";

bool is_of_start(const fs::path& report, const std::string& start) {
  try {
    return read_file(report).find("\nstart " + start + "\n") != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

std::vector<fs::path> reports_in(const fs::path& folder) {
  std::vector<fs::path> reports;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kAbortPrefix) || name.starts_with(kOperationsPrefix))
      reports.push_back(entry->path());
  }
  return reports;
}

const char* name_of(Operation::State state) {
  switch (state) {
    case Operation::State::kStarted:
      return "started";
    case Operation::State::kAwaited:
      return "awaited";
    case Operation::State::kDone:
      break;
  }
  return "done";
}

// One line for each operation, with words between the values, so that grep finds one line's facts.
std::string list_of(const std::vector<Operation>& operations) {
  std::ostringstream list;
  list.precision(6);
  list << std::fixed;
  for (const Operation& operation : operations) {
    list << "operation " << operation.sequence << ' ' << operation.name << " bytes " << operation.bytes
         << " step " << operation.step << ' ' << name_of(operation.state) << " began "
         << -running_clock().seconds_since(operation.began);
    if (operation.state == Operation::State::kDone) {
      list << " ended " << -running_clock().seconds_since(operation.ended);
    }
    list << '\n';
  }
  return list.str();
}

}  // namespace

fs::path write_rank_report(const fs::path& folder, const RankReport& report) {
  const char* const prefix = report.kind == ErrorKind::kLost ? kAbortPrefix : kOperationsPrefix;
  const fs::path file = folder / concat(prefix, report.rank, ".txt");
  fs::create_directories(folder);
  write_file_atomically(
      file,
      concat("rank ", report.rank, " of ", report.size, "\nstart ", report.start, "\ncause ", report.cause,
             "\n\nThe last operations, times in seconds from now:\n", list_of(report.operations)));
  return file;
}

std::optional<fs::path> find_rank_report(const fs::path& folder, const std::string& start) {
  const auto reports = reports_in(folder);
  const auto found = std::find_if(reports.begin(), reports.end(),
                                  [&](const fs::path& report) { return is_of_start(report, start); });
  return found != reports.end() ? std::optional(*found) : std::nullopt;
}

bool is_abort_report(const fs::path& file) {
  return file.filename().string().starts_with(kAbortPrefix);
}

void put_away_reports(const fs::path& folder, const std::string& start) {
  for (const fs::path& report : reports_in(folder)) {
    if (is_of_start(report, start)) continue;
    std::error_code problem;
    fs::rename(report, folder / ("earlier-" + report.filename().string()), problem);
    if (problem)
      log::warning(concat("cannot rename the report ", report, " of an earlier start: ", problem.message()));
  }
}

}  // namespace charrnn
