#include "comm/cores.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "core/error.h"

namespace charrnn {
namespace {

bool overlap(const std::vector<int>& a, const std::vector<int>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](int core) { return std::find(b.begin(), b.end(), core) != b.end(); });
}

}  // namespace

std::vector<int> usable_cores(int process_id) {
  // The kernel wants room for every core it knows; machines with more than 1024 exist.
  for (int room = CPU_SETSIZE;; room *= 2) {
    cpu_set_t* const set = CPU_ALLOC(static_cast<size_t>(room));
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(room));
    CPU_ZERO_S(bytes, set);
    const int result = sched_getaffinity(process_id, bytes, set);
    const int error = errno;
    std::vector<int> cores;
    for (int core = 0; result == 0 && core < room; ++core) {
      if (CPU_ISSET_S(static_cast<size_t>(core), bytes, set)) cores.push_back(core);
    }
    CPU_FREE(set);
    if (result == 0 || error != EINVAL || room > (1 << 20)) return cores;
  }
}

int thread_share(const std::vector<RankCores>& ranks, int rank) {
  const RankCores& mine = ranks.at(static_cast<size_t>(rank));
  int sharers = 0;
  for (const RankCores& other : ranks)
    sharers += other.host == mine.host && overlap(other.cores, mine.cores) ? 1 : 0;
  return std::max(1, static_cast<int>(mine.cores.size()) / std::max(1, sharers));
}

std::string binding_warning(const std::vector<RankCores>& ranks, int rank) {
  const RankCores& mine = ranks.at(static_cast<size_t>(rank));
  std::set<int> used;
  int local = 0;
  for (const RankCores& other : ranks) {
    if (other.host != mine.host) continue;
    ++local;
    used.insert(other.cores.begin(), other.cores.end());
  }
  if (used.size() >= mine.available.size()) return "";
  return concat("the ", local == 1 ? "rank" : concat(local, " ranks"), " on ", mine.host,
                local == 1 ? " is" : " are", " bound to ", used.size(), " of ", mine.available.size(),
                " cores, the others stay idle: start with launch/run, or mpirun --bind-to none");
}

}  // namespace charrnn
