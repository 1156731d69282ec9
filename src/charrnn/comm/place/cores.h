// The number of threads that a rank should use: its share of the cores that it may run on.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace charrnn {

// Numbers of the cores that this process, or the one with `process_id`, may run on, in ascending order.
std::vector<int> usable_cores(int process_id = 0);

// Limit of processor time that the control groups of this process set, in cores (a container's --cpus, a
// batch job's share); nullopt if there is no limit. Tests pass other values of `root` and `process_file`.
std::optional<double> core_quota(const std::string& root = "/sys/fs/cgroup",
                                 const std::string& process_file = "/proc/self/cgroup");

struct RankCores {
  std::string host;
  std::vector<int> cores;            // cores that the rank may run on
  std::vector<int> available;        // cores that its launcher may run on: more if mpirun bound the rank
  std::optional<double> quota = {};  // core_quota()
};

// The rank's cores, or its quota if that is less, divided by the ranks of its host that share any of them;
// at least 1.
int thread_share(const std::vector<RankCores>& ranks, int rank);

// A warning if the ranks of this rank's host use its cores badly: if cores are idle because of mpirun's
// binding, or if there are more ranks than cores. Otherwise empty.
std::string binding_warning(const std::vector<RankCores>& ranks, int rank);

// {0, 1, 2, 5} -> "0-2,5"
std::string core_list(const std::vector<int>& cores);

}  // namespace charrnn
