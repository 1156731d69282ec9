// How many threads a rank should run: its share of the cores it may use.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace charrnn {

// Numbers of the cores this process may run on, in order; with a process id, that process's.
std::vector<int> usable_cores(int process_id = 0);

// How many cores' worth of time the control groups of this process allow (a container's --cpus, a batch job's
// share); nullopt if they set no limit. Tests pass other values of `root` and `process_file`.
std::optional<double> core_quota(const std::string& root = "/sys/fs/cgroup",
                                 const std::string& process_file = "/proc/self/cgroup");

struct RankCores {
  std::string host;
  std::vector<int> cores;            // that the rank may run on
  std::vector<int> available;        // that its launcher may run on: more, if mpirun bound the rank
  std::optional<double> quota = {};  // core_quota()
};

// The rank's cores, or its quota if that is less, divided by the ranks of its host that share any of them;
// at least 1.
int thread_share(const std::vector<RankCores>& ranks, int rank);

// A warning if the ranks of this rank's host use its cores badly: cores that are idle because of mpirun's
// binding, or more ranks than cores. Else empty.
std::string binding_warning(const std::vector<RankCores>& ranks, int rank);

// {0, 1, 2, 5} -> "0-2,5"
std::string core_list(const std::vector<int>& cores);

}  // namespace charrnn
