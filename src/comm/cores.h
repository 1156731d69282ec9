// How many threads a rank should run: its share of the cores it may use.
#pragma once

#include <string>
#include <vector>

namespace charrnn {

// Numbers of the cores this process may run on, in order; with a process id, that process's.
std::vector<int> usable_cores(int process_id = 0);

struct RankCores {
  std::string host;
  std::vector<int> cores;      // that the rank may run on
  std::vector<int> available;  // that its launcher may run on: more, where mpirun bound the rank
};

// The rank's cores divided by the ranks of its host that share any of them; at least 1.
int thread_share(const std::vector<RankCores>& ranks, int rank);

// What to tell the user when mpirun left cores idle by its binding; empty if it did not.
std::string binding_warning(const std::vector<RankCores>& ranks, int rank);

}  // namespace charrnn
