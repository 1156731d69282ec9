#include "charrnn/run/job_limit.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <regex>
#include <sstream>

#include "charrnn/core/environment.h"
#include "charrnn/core/error.h"

namespace charrnn {

namespace {

// "1-02:03:04", "2:03:04" or "3:04" in seconds.
std::optional<double> seconds_of(const std::string& line) {
  static const std::regex time(R"((?:(?:(\d{1,6})-)?(\d{1,2}):)?(\d{1,2}):(\d{2}))");
  std::smatch found;
  if (!std::regex_match(line, found, time)) return std::nullopt;
  constexpr std::array<double, 4> seconds{24 * 3600, 3600, 60, 1};
  double all = 0;
  for (size_t part = 0; part < seconds.size(); ++part) {
    if (found[part + 1].matched) all += seconds[part] * std::stod(found[part + 1].str());
  }
  return all;
}

}  // namespace

std::optional<double> job_time_left(const std::string& squeue_output) {
  std::istringstream lines(squeue_output);
  for (std::string line; std::getline(lines, line);) {  // warnings may come before
    if (line == "UNLIMITED" || line == "NOT_SET") return std::nullopt;
    if (line == "INVALID") return 0;
    if (const std::optional<double> seconds = seconds_of(line)) return seconds;
  }
  fail("expected the job's time left from squeue, such as 1-02:03:04, found '", squeue_output, "'");
}

std::optional<double> seconds_to_job_end() {
  const auto number = [](const char* name) {
    const std::string text = environment_variable(name).value_or("");
    check(std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }),
          "expected a number in ", name, ", found '", text, "'");
    return text;
  };
  // The last task of an array has the array's own id as its job id, which would select all tasks.
  const std::string array = number("SLURM_ARRAY_JOB_ID");
  const std::string id =
      array.empty() ? number("SLURM_JOB_ID") : concat(array, "_", number("SLURM_ARRAY_TASK_ID"));
  if (id.empty()) return std::nullopt;
  // Slurm 22.05 sets no variable with the end of a job. Remaining time has no time zone or date format.
  const std::string command = "timeout 20 squeue -h -j " + id + " -o %L 2>&1";
  const auto close = [](FILE* pipe) { pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  check(pipe != nullptr, "cannot start squeue to find out when the job ends: ", command);
  std::string output;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) output += part.data();
  check(!output.empty(), "expected the job's time left from `", command, "`, found nothing within 20 s");
  return job_time_left(output);
}

}  // namespace charrnn
