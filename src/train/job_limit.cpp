#include "train/job_limit.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "core/error.h"

namespace charrnn {

std::optional<double> job_end_time(const std::string& squeue_output) {
  const std::string text = squeue_output.substr(0, squeue_output.find('\n'));
  if (text == "NONE" || text == "N/A" || text == "Unknown") return std::nullopt;
  std::tm time{};
  time.tm_isdst = -1;  // as the calendar says
  const char* const end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  check(end != nullptr && *end == '\0',
        "expected the job's end from squeue, such as 2026-11-22T18:30:00, found '", text, "'");
  return static_cast<double>(std::mktime(&time));
}

std::optional<double> seconds_to_job_end() {
  const char* const job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || *job == '\0') return std::nullopt;
  const std::string id = job;
  check(std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isdigit(c) != 0; }),
        "expected a number in SLURM_JOB_ID, found '", id, "'");
  // Slurm 22.05 sets no variable with the end of a job.
  const std::string command = "timeout 20 squeue -h -j " + id + " -o %e 2>&1";
  const auto close = [](FILE* pipe) { pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  check(pipe != nullptr, "expected to start squeue, to ask when the job ends: ", command);
  std::string output;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) output += part.data();
  check(!output.empty(), "expected the job's end from `", command, "`, found nothing within 20 s");
  const std::optional<double> end = job_end_time(output);
  if (!end) return std::nullopt;
  return *end - static_cast<double>(std::time(nullptr));
}

}  // namespace charrnn
