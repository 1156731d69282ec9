#include "charrnn/comm/agreement.h"

#include <array>
#include <exception>
#include <nlohmann/json.hpp>
#include <vector>

#include "charrnn/comm/text_exchange.h"
#include "charrnn/core/exception_reason.h"
#include "charrnn/core/log.h"

namespace charrnn {
namespace {

using Facts = std::map<std::string, std::string>;

// " (rank 1)", " (ranks 0, 2)", " (all 4 ranks)"; nothing in a group of one.
std::string who(const std::vector<size_t>& ranks, size_t size) {
  if (size == 1) return "";
  if (ranks.size() == size) return concat(" (all ", size, " ranks)");
  std::string names = ranks.size() == 1 ? " (rank " : " (ranks ";
  for (size_t i = 0; i < ranks.size(); ++i) names += (i ? ", " : "") + std::to_string(ranks[i]);
  return names + ")";
}

// One line for each fact that is not as on rank 0.
std::string differences(const Facts& facts, const Facts& first) {
  const auto value_in = [](const Facts& map, const std::string& name) {
    const auto found = map.find(name);
    return found == map.end() ? std::string("unknown") : found->second;
  };
  Facts all = facts;
  all.insert(first.begin(), first.end());
  std::string text;
  for (const auto& [name, ignored] : all) {
    const std::string here = value_in(facts, name);
    const std::string there = value_in(first, name);
    if (here != there) text += concat("\n  ", name, " is ", here, ", on rank 0 ", there);
  }
  return text;
}

}  // namespace

void expect_equal(Communicator& comm, const Facts& facts) {
  if (comm.size() == 1) return;
  std::string text;
  nlohmann::json::to_cbor(facts, text);  // in CBOR texts need not be UTF-8
  const std::string first = broadcast_text(comm, text);
  agree_on_errors(comm, [&] {
    if (text == first) return;
    fail_usage("expected the same on all ranks, found",
               differences(facts, nlohmann::json::from_cbor(first).get<Facts>()),
               "\nstart all ranks with one command, and from one folder that all hosts share");
  });
}

void agree_on_errors(Communicator& comm, const std::function<void()>& body) {
  std::string message;
  std::array<int64_t, 1> kind{0};
  try {
    body();
  } catch (const AgreedError&) {
    throw;  // every rank has it
  } catch (const std::exception& problem) {
    message = exception_reason(problem);
    kind[0] = static_cast<int64_t>(error_kind_of(problem));
  }
  const bool failed_here = kind[0] != 0;
  comm.all_reduce_max(kind);
  if (kind[0] == 0) return;

  // A leading '!' tells a rank that failed, even without a message, from one that did not.
  const std::vector<std::string> reports = gather_text(comm, failed_here ? "!" + message : "");
  std::map<std::string, std::vector<size_t>> ranks_of;
  for (size_t rank = 0; rank < reports.size(); ++rank) {
    if (!reports[rank].empty()) ranks_of[reports[rank].substr(1)].push_back(rank);
  }
  std::string all;
  for (const auto& [text, ranks] : ranks_of) {
    log::error(text + who(ranks, reports.size()));
    all += (all.empty() ? "" : "; ") + text;
  }
  throw AgreedError(comm.rank() == 0 ? all : message, static_cast<ErrorKind>(kind[0]));
}

}  // namespace charrnn
