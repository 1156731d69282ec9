#include "charrnn/comm/timeout_message.h"

#include <map>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

// Where a rank is, compared with this rank's operation; in the order in which the message reports them.
enum class Place {
  // First, because a GPU that hangs blocks all later operations of its rank, while other ranks may have gone
  // ahead and no longer answer. Also if the rank waits in another operation: its host is ahead of its GPU.
  kDeviceMissing,
  kSilent,
  kElsewhere,  // in another operation of the same number
  kBefore,     // in an earlier operation
  kAfter,      // in a later operation
  kHere,
};

Place place_of(const RankStatus& rank, const Operation& operation) {
  if (!rank.has_answered) return Place::kSilent;
  if (!rank.device_arrived) return Place::kDeviceMissing;
  if (rank.sequence < operation.sequence) return Place::kBefore;
  if (rank.sequence > operation.sequence) return Place::kAfter;
  return rank.operation == operation.name ? Place::kHere : Place::kElsewhere;
}

// "rank 2 (host h3)", "ranks 2 (host h3), 5 (host h4)", and at most eight of them.
std::string list_of(const std::vector<size_t>& numbers, const std::vector<RankStatus>& ranks) {
  constexpr size_t kListed = 8;
  std::string text = numbers.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < numbers.size() && i < kListed; ++i) {
    text += concat(i > 0 ? ", " : "", numbers[i], " (host ", ranks[numbers[i]].host, ")");
  }
  return numbers.size() > kListed ? concat(text, " and ", numbers.size() - kListed, " more") : text;
}

}  // namespace

std::string timeout_message(const Operation& operation, const WaitLimit& limit,
                            const std::vector<RankStatus>& ranks) {
  std::map<Place, std::vector<size_t>> ranks_at;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    ranks_at[place_of(ranks[rank], operation)].push_back(rank);
  }
  const auto& [place, numbers] = *ranks_at.begin();
  const std::string who = list_of(numbers, ranks);
  const std::string what = to_text(operation);
  const std::string within = concat(" within ", limit.setting, " (", limit.seconds, " s)");
  const RankStatus& first = ranks[numbers.front()];
  const std::string other = concat(first.operation, " (operation ", first.sequence, ")");
  switch (place) {
    case Place::kDeviceMissing:
      return concat("the GPU of ", who, " did not reach ", what, within,
                    ": it hangs in earlier work; look for Xid messages in dmesg on that host");
    case Place::kSilent:
      return concat(who, " did not reach ", what, within,
                    ": it was killed or stopped, it hangs, or its host or link is lost");
    case Place::kElsewhere:
      return concat(who, " did not reach ", what, within, " but called ", other,
                    ": the ranks made different calls, which is a bug in charrnn; please report it with "
                    "the reports of all ranks");
    case Place::kBefore:
      return concat(who, " did not reach ", what, within, ", still waiting in ", other,
                    ": messages to it are lost or stalled, or its device hangs");
    case Place::kAfter:
      return concat(what, " did not end on this rank", within, ", but did on ", who, ", now waiting in ",
                    other, ": messages to this rank are lost or stalled, or its device hangs");
    case Place::kHere:
      break;
  }
  return concat("all ranks reached ", what, ", and it did not end", within,
                ": the network between them is lost or stalled");
}

int reporting_rank(const std::vector<RankStatus>& ranks) {
  size_t chosen = ranks.size();
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    if (!ranks[rank].has_answered) continue;
    if (chosen == ranks.size() || ranks[rank].sequence < ranks[chosen].sequence) chosen = rank;
  }
  return static_cast<int>(chosen);
}

}  // namespace charrnn
