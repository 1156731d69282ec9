#include "charrnn/comm/agreement.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <future>
#include <map>

#include "charrnn/core/log.h"
#include "charrnn/core/tool_main.h"

namespace charrnn {
namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  std::string text(bytes.size(), '\0');
  std::transform(bytes.begin(), bytes.end(), text.begin(), [](std::byte b) { return static_cast<char>(b); });
  return text;
}

// " (rank 1)", " (ranks 0, 2)", " (all 4 ranks)"; nothing in a group of one.
std::string who(const std::vector<size_t>& ranks, size_t size) {
  if (size == 1) return "";
  if (ranks.size() == size) return concat(" (all ", size, " ranks)");
  std::string names = ranks.size() == 1 ? " (rank " : " (ranks ";
  for (size_t i = 0; i < ranks.size(); ++i) names += (i ? ", " : "") + std::to_string(ranks[i]);
  return names + ")";
}

}  // namespace

std::string broadcast_text(Communicator& comm, std::string text, int root) {
  std::array<int64_t, 1> length{static_cast<int64_t>(text.size())};
  comm.broadcast(std::as_writable_bytes(std::span(length)), root);
  text.resize(static_cast<size_t>(length[0]));
  comm.broadcast(std::as_writable_bytes(std::span(text)), root);
  return text;
}

std::vector<std::string> all_gather_text(Communicator& comm, const std::string& text) {
  const auto gathered = comm.gather(std::as_bytes(std::span(text)));
  std::vector<std::string> texts(static_cast<size_t>(comm.size()));
  for (size_t rank = 0; rank < texts.size(); ++rank) {
    texts[rank] = broadcast_text(comm, comm.rank() == 0 ? text_of(gathered[rank]) : "");
  }
  return texts;
}

void expect_equal(Communicator& comm, const std::map<std::string, std::string>& facts) {
  if (comm.size() == 1) return;
  constexpr char value_begins = '\x1f';
  constexpr char fact_ends = '\x1e';
  std::string text;
  for (const auto& [name, value] : facts) text += concat(name, value_begins, value, fact_ends);
  const std::string first = broadcast_text(comm, text);
  agree_on_errors(comm, [&] {
    if (text == first) return;
    std::map<std::string, std::string> expected;
    for (size_t begin = 0; begin < first.size();) {
      const size_t middle = first.find(value_begins, begin);
      const size_t end = first.find(fact_ends, begin);
      expected[first.substr(begin, middle - begin)] = first.substr(middle + 1, end - middle - 1);
      begin = end + 1;
    }
    std::string differences;
    const auto value_in = [](const auto& map, const std::string& name) {
      const auto found = map.find(name);
      return found == map.end() ? std::string("unknown") : found->second;
    };
    std::map<std::string, std::string> all = facts;
    all.insert(expected.begin(), expected.end());
    for (const auto& [name, value] : all) {
      if (value_in(facts, name) == value_in(expected, name)) continue;
      differences +=
          concat("\n  ", name, " is ", value_in(facts, name), ", on rank 0 ", value_in(expected, name));
    }
    fail_usage("expected the same on all ranks, found", differences,
               "\nstart all ranks with one command, and from one folder that all hosts share");
  });
}

void with_heartbeat(Communicator& comm, const std::function<void()>& work) {
  std::future<void> done = std::async(std::launch::async, work);
  while (done.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) comm.heartbeat();
  done.get();
}

void agree_on_errors(Communicator& comm, const std::function<void()>& body) {
  std::string message;
  std::array<int64_t, 1> code{0};
  try {
    body();
  } catch (const AgreedError&) {
    throw;  // every rank has it
  } catch (const Error& error) {
    message = error.what();
    code[0] = static_cast<int64_t>(error.code());
  } catch (const std::exception& error) {
    message = reason_of(error);
    code[0] = static_cast<int64_t>(ExitCode::kError);
  }
  const bool failed_here = code[0] != 0;
  comm.all_reduce_max(code);
  if (code[0] == 0) return;

  // A leading '!' tells a rank that failed, even without a message, from one that did not.
  const std::string report = failed_here ? "!" + message : "";
  const auto reports = comm.gather(std::as_bytes(std::span(report)));
  std::map<std::string, std::vector<size_t>> ranks_of;
  for (size_t rank = 0; rank < reports.size(); ++rank) {
    if (!reports[rank].empty()) ranks_of[text_of(reports[rank]).substr(1)].push_back(rank);
  }
  std::string all;
  for (const auto& [text, ranks] : ranks_of) {
    log::error(text + who(ranks, reports.size()));
    all += (all.empty() ? "" : "; ") + text;
  }
  throw AgreedError(comm.rank() == 0 ? all : message, static_cast<ExitCode>(code[0]));
}

}  // namespace charrnn
