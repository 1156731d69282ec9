#include "charrnn/comm/missing_ranks.h"

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

// "rank 2 (host h3)", "ranks 2 (host h3), 5 (host h4)", and at most eight of them.
std::string list_of(const std::vector<size_t>& ranks, const std::vector<RankAnswer>& answers) {
  constexpr size_t kNamed = 8;
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < ranks.size() && i < kNamed; ++i) {
    text += concat(i > 0 ? ", " : "", ranks[i], " (host ", answers[ranks[i]].host, ")");
  }
  return ranks.size() > kNamed ? concat(text, " and ", ranks.size() - kNamed, " more") : text;
}

}  // namespace

std::string loss_message(const Operation& operation, const WaitLimit& limit,
                         const std::vector<RankAnswer>& answers) {
  std::vector<size_t> missing;
  std::vector<size_t> elsewhere;  // in another operation of the same number
  std::vector<size_t> behind;
  std::vector<size_t> ahead;
  std::vector<size_t> device_missing;
  for (size_t rank = 0; rank < answers.size(); ++rank) {
    const RankAnswer& answer = answers[rank];
    if (!answer.heard) {
      missing.push_back(rank);
    } else if (!answer.device_came) {
      device_missing.push_back(
          rank);  // also where it waits in another operation: its host went on, or waits behind
    } else if (answer.sequence < operation.sequence) {
      behind.push_back(rank);
    } else if (answer.sequence > operation.sequence) {
      ahead.push_back(rank);
    } else if (answer.operation != operation.name) {
      elsewhere.push_back(rank);
    }
  }
  const std::string within = concat(" within ", limit.setting, " (", limit.seconds, " s)");
  // First: a GPU that hangs keeps its own rank from all that comes later, and others may well have gone on to
  // where they do not answer.
  if (!device_missing.empty()) {
    return concat("the GPU of ", list_of(device_missing, answers), " did not come to ", to_text(operation),
                  within, ": it hangs in work before it; look for Xid messages in dmesg there");
  }
  if (!missing.empty()) {
    return concat(list_of(missing, answers), " did not come to ", to_text(operation), within,
                  ": it was killed or stopped, it hangs, or its host or link is lost");
  }
  const auto place = [&](const std::vector<size_t>& ranks) {
    const RankAnswer& first = answers[ranks.front()];
    return concat(first.operation, " (operation ", first.sequence, ")");
  };
  if (!elsewhere.empty()) {
    return concat(list_of(elsewhere, answers), " did not come to ", to_text(operation), within,
                  " but went to ", place(elsewhere),
                  ": the ranks went different ways, which is a mistake in charrnn; please report it with the "
                  "reports of all ranks");
  }
  if (!behind.empty()) {
    return concat(list_of(behind, answers), " did not come to ", to_text(operation), within,
                  ", still waiting in ", place(behind),
                  ": messages to it are lost or stalled, or its device hangs");
  }
  if (!ahead.empty()) {
    return concat(to_text(operation), " did not end here", within, ", but it did for ",
                  list_of(ahead, answers), ", waiting in ", place(ahead),
                  ": messages to here are lost or stalled, or the device here hangs");
  }
  return concat("all ranks came to ", to_text(operation), ", and it did not end", within,
                ": the network between them is lost or stalled");
}

int speaker(const std::vector<RankAnswer>& answers) {
  size_t chosen = answers.size();
  for (size_t rank = 0; rank < answers.size(); ++rank) {
    if (!answers[rank].heard) continue;
    if (chosen == answers.size() || answers[rank].sequence < answers[chosen].sequence) chosen = rank;
  }
  return static_cast<int>(chosen);
}

}  // namespace charrnn
