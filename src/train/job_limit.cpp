#include "train/job_limit.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <sstream>

#include "core/error.h"

namespace charrnn {

std::optional<double> job_end_time(const std::string& squeue_output) {
  std::istringstream lines(squeue_output);
  for (std::string line; std::getline(lines, line);) {  // warnings may come before
    if (line == "NONE" || line == "N/A" || line == "Unknown") return std::nullopt;
    std::tm time{};
    time.tm_isdst = -1;  // as the calendar says
    const char* const end = strptime(line.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
    if (end != nullptr && *end == '\0') return static_cast<double>(std::mktime(&time));
  }
  fail("expected the job's end from squeue, such as 2026-11-22T18:30:00, found '", squeue_output, "'");
}

std::optional<double> seconds_to_job_end() {
  const auto number = [](const char* name) {
    const char* const value = std::getenv(name);
    const std::string text = value == nullptr ? "" : value;
    check(std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }),
          "expected a number in ", name, ", found '", text, "'");
    return text;
  };
  // The last task of an array has the array's own id, which would name all tasks.
  const std::string array = number("SLURM_ARRAY_JOB_ID");
  const std::string id =
      array.empty() ? number("SLURM_JOB_ID") : concat(array, "_", number("SLURM_ARRAY_TASK_ID"));
  if (id.empty()) return std::nullopt;
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
