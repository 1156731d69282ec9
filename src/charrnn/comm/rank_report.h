// What each rank leaves in the run's folder when something goes wrong on any of them: a file with the cause
// and the rank's last operations, abort-report-rank-R.txt after a loss (exit code 4; launch/run looks for
// it), else last-operations-rank-R.txt.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/comm/operation_log.h"
#include "charrnn/core/error.h"

namespace charrnn {

struct RankReport {
  int rank = 0;
  int size = 1;
  std::string start;  // the same on all ranks, and different for each start of a run
  ErrorKind kind = ErrorKind::kFailed;
  std::string cause;
  std::vector<Operation> operations;
};

// Returns the file. Throws if it cannot be written.
std::filesystem::path write_rank_report(const std::filesystem::path& folder, const RankReport& report);

// A report of any rank in `folder` with this `start`.
std::optional<std::filesystem::path> find_rank_report(const std::filesystem::path& folder,
                                                      const std::string& start);
bool is_abort_report(const std::filesystem::path& file);

// Renames the reports of other starts in `folder` to earlier-...
void put_away_reports(const std::filesystem::path& folder, const std::string& start);

}  // namespace charrnn
