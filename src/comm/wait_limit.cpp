#include "comm/wait_limit.h"

#include <exception>

#include "core/atomic_file.h"
#include "core/log.h"

namespace charrnn {

void report_lost(const WaitLimit& limit, const Wait& wait) {
  const std::string what = concat(wait.operation, " of ", wait.bytes, " bytes (operation ", wait.sequence,
                                  ", step ", wait.step, ")");
  const std::string cause = wait.error.empty() ? "the other ranks did not come within comm.timeout_seconds"
                                               : "the library reports: " + wait.error;
  const bool writes = !limit.report_folder.empty();
  const auto file = limit.report_folder / concat("abort-report-rank-", limit.rank, ".txt");
  log::error(concat(
      "rank ", limit.rank, " of ", limit.size, " waited ", wait.seconds, " s in ", what, ": ", cause,
      ". All ranks end with code 4; look for the first error of another rank, and start again from the "
      "last checkpoint",
      writes ? " (report: " + file.string() + ")" : ""));
  if (!writes) return;
  try {
    std::filesystem::create_directories(limit.report_folder);
    write_file_atomically(file,
                          concat("rank ", limit.rank, "\nranks ", limit.size, "\noperation ", wait.operation,
                                 "\nsequence ", wait.sequence, "\nbytes ", wait.bytes, "\nstep ", wait.step,
                                 "\nseconds_waited ", wait.seconds, "\ncause ", cause, "\n"));
  } catch (const std::exception& error) {
    log::error(concat("the abort report could not be written: ", error.what()));
  }
}

}  // namespace charrnn
