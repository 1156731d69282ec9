// How many threads a rank should run: its share of the cores it may use.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace charrnn {

// Numbers of the cores this process may run on, in order; with a process id, that process's.
std::vector<int> usable_cores(int process_id = 0);

// How many cores' worth of time the control groups of this process allow (a container's --cpus, a batch job's
// share); nullopt where they set no limit. ROOT and PROCESS_FILE are for tests.
std::optional<double> core_quota(const std::string& root = "/sys/fs/cgroup",
                                 const std::string& process_file = "/proc/self/cgroup");

struct RankCores {
  std::string host;
  std::vector<int> cores;            // that the rank may run on
  std::vector<int> available;        // that its launcher may run on: more, where mpirun bound the rank
  std::optional<double> quota = {};  // core_quota()
};

// The rank's cores, or its quota where that is less, divided by the ranks of its host that share any of them;
// at least 1.
int thread_share(const std::vector<RankCores>& ranks, int rank);

// What to tell the user where the ranks of this rank's host use its cores badly: idle ones by mpirun's
// binding, or more ranks than cores. Empty where all is well.
std::string binding_warning(const std::vector<RankCores>& ranks, int rank);

// {0, 1, 2, 5} -> "0-2,5"
std::string core_list(const std::vector<int>& cores);

}  // namespace charrnn
