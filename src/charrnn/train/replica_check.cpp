#include "charrnn/train/replica_check.h"

#include <algorithm>
#include <map>
#include <string>

#include "charrnn/comm/agreement.h"
#include "charrnn/comm/text_exchange.h"
#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"

namespace charrnn {
namespace {

// Throws Error if hashes differ; the message lists the ranks that differ from the majority.
void check_equal(const std::vector<std::string>& hashes, const Communicator& comm, int64_t step) {
  std::map<std::string, int> votes;
  for (const std::string& hash : hashes) ++votes[hash];
  if (votes.size() == 1) return;
  const auto most = std::max_element(votes.begin(), votes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string ranks;
  for (size_t rank = 0; rank < hashes.size(); ++rank) {
    if (hashes[rank] == most->first && 2 * most->second > comm.size()) continue;
    ranks += concat(ranks.empty() ? "" : ", ", "rank ", rank, " (host ", comm.host_of(static_cast<int>(rank)),
                    ")");
  }
  fail("expected equal weights on all ranks after step ", step, ", found different ones on ", ranks,
       ": memory, a processor or a driver there is faulty. Nothing of this step was saved; resume from the "
       "last checkpoint, on other hosts");
}

}  // namespace

void check_replicas(Communicator& comm, const std::vector<at::Tensor>& tensors, int64_t step) {
  std::string hash;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor host = tensor.to(at::kCPU);
    hash += hash_hex({static_cast<const char*>(host.const_data_ptr()), host.nbytes()});
  }
  const std::vector<std::string> hashes = all_gather_text(comm, hash);
  agree_on_errors(comm, [&] {
    if (comm.rank() == 0) check_equal(hashes, comm, step);
  });
}

}  // namespace charrnn
