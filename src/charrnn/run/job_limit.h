// The time at which the batch system will end this job.
#pragma once

#include <optional>
#include <string>

namespace charrnn {

// Seconds until the end of the Slurm job that this process belongs to, from squeue; nullopt outside of Slurm
// and for a job without a time limit. Throws Error if Slurm does not answer within 20 s.
std::optional<double> seconds_to_job_end();

// Parses the remaining time printed by `squeue -h -o %L`: "1-02:03:04" (days, hours, minutes, seconds),
// "2:03:04" or "3:04" -> seconds, 0 for "INVALID" (the limit is past); nullopt for "UNLIMITED" and "NOT_SET".
// Other lines are ignored; throws Error if all lines are such.
std::optional<double> job_time_left(const std::string& squeue_output);

}  // namespace charrnn
