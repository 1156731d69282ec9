#include "comm/agreement.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <future>
#include <map>

#include "core/log.h"
#include "core/tool_main.h"

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

void while_working(Communicator& comm, const std::function<void()>& work) {
  std::future<void> done = std::async(std::launch::async, work);
  while (done.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) comm.still_working();
  done.get();
}

void together(Communicator& comm, const std::function<void()>& body) {
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
