// When the batch system will end this job.
#pragma once

#include <optional>
#include <string>

namespace charrnn {

// Seconds until the end of the Slurm job that this process is part of, as squeue says now; nullopt outside of
// Slurm and for a job without a limit. Throws Error where Slurm does not answer within seconds.
std::optional<double> seconds_to_job_end();

// From what `squeue -h -o %e` prints, local time: "2026-11-22T18:30:00" -> seconds since 1970; nullopt for
// "NONE" and "N/A". Lines that are neither are passed over; throws Error where there are no others.
std::optional<double> job_end_time(const std::string& squeue_output);

}  // namespace charrnn
