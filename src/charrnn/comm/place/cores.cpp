#include "charrnn/comm/place/cores.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {
namespace {

bool overlap(const std::vector<int>& a, const std::vector<int>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](int core) { return std::find(b.begin(), b.end(), core) != b.end(); });
}

}  // namespace

std::vector<int> usable_cores(int process_id) {
  // The kernel needs a set with room for all its cores; some machines have more than 1024.
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

std::optional<double> core_quota(const std::string& root, const std::string& process_file) {
  // Lines "0::/a/b" (version 2) and "4:cpu,cpuacct:/a/b" (version 1). The limits of the parents hold as well;
  // in a container the path may be that of the host, and then its own limits are at the root.
  std::optional<double> least;
  const auto take = [&](const std::filesystem::path& file, const std::filesystem::path& period_file) {
    std::ifstream in(file);
    double quota = 0;
    double period = 0;
    if (!(in >> quota)) return;  // "max", or no such file
    if (period_file.empty()) {
      in >> period;
    } else {
      std::ifstream(period_file) >> period;
    }
    if (quota > 0 && period > 0) least = std::min(least.value_or(quota / period), quota / period);
  };
  std::ifstream lines(process_file);
  for (std::string line; std::getline(lines, line);) {
    const size_t names = line.find(':');
    const size_t path = line.find(':', names + 1);
    if (names == std::string::npos || path == std::string::npos) continue;
    const std::string controllers = concat(",", line.substr(names + 1, path - names - 1), ",");
    const bool is_version_2 = controllers == ",,";
    if (!is_version_2 && controllers.find(",cpu,") == std::string::npos) continue;
    const std::filesystem::path base = is_version_2 ? root : root + "/cpu";
    for (std::filesystem::path group = line.substr(path + 1);; group = group.parent_path()) {
      const std::filesystem::path folder = base / group.relative_path();
      if (is_version_2) {
        take(folder / "cpu.max", "");
      } else {
        take(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us");
      }
      if (!group.has_relative_path()) break;
    }
  }
  return least;
}

int thread_share(const std::vector<RankCores>& ranks, int rank) {
  const RankCores& mine = ranks.at(static_cast<size_t>(rank));
  int sharers = 0;
  for (const RankCores& other : ranks)
    sharers += other.host == mine.host && overlap(other.cores, mine.cores) ? 1 : 0;
  const double cores = static_cast<double>(mine.cores.size());
  const double usable = std::min(cores, mine.quota.value_or(cores));
  return std::max(1, static_cast<int>(usable) / std::max(1, sharers));
}

std::string binding_warning(const std::vector<RankCores>& ranks, int rank) {
  const RankCores& mine = ranks.at(static_cast<size_t>(rank));
  std::set<int> used;
  size_t local = 0;
  for (const RankCores& other : ranks) {
    if (other.host != mine.host) continue;
    ++local;
    used.insert(other.cores.begin(), other.cores.end());
  }
  const size_t available = std::max(mine.available.size(), used.size());
  if (local > available) {
    return concat(local, " ranks share ", plural(static_cast<int64_t>(available), "core"), " of ", mine.host,
                  ": fewer ranks would be faster");
  }
  if (used.size() < available) {
    const std::string who = local == 1 ? "the rank" : concat("the ", local, " ranks");
    return concat(who, " on ", mine.host, local == 1 ? " is" : " are", " bound to ", used.size(), " of ",
                  available, " cores, the others stay idle: start with launch/run, or mpirun --bind-to none");
  }
  return "";
}

std::string core_list(const std::vector<int>& cores) {
  std::string text;
  for (size_t i = 0; i < cores.size(); ++i) {
    size_t last = i;
    while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) ++last;
    text += concat(text.empty() ? "" : ",", cores[i]);
    if (last > i) text += concat("-", cores[last]);
    i = last;
  }
  return text;
}

}  // namespace charrnn
