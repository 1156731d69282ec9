// When the batch system will end this job.
#pragma once

#include <optional>
#include <string>

namespace charrnn {

// Seconds until the end of the Slurm job that this process is part of, as squeue says now; nullopt outside of
// Slurm and for a job without a limit. Throws Error where Slurm does not answer within seconds.
std::optional<double> seconds_to_job_end();

// From what `squeue -h -o %L` prints, the time that is left: "1-02:03:04" (days, hours, minutes, seconds),
// "2:03:04" or "3:04" -> seconds, 0 for "INVALID" (the limit is past); nullopt for "UNLIMITED" and "NOT_SET".
// Other lines are passed over; throws Error if there are only such lines.
std::optional<double> job_time_left(const std::string& squeue_output);

}  // namespace charrnn
