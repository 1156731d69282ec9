#include "charrnn/comm/text_exchange.h"

#include <algorithm>
#include <array>

namespace charrnn {

std::string broadcast_text(Communicator& comm, std::string text, int root) {
  std::array<int64_t, 1> length{static_cast<int64_t>(text.size())};
  comm.broadcast(std::as_writable_bytes(std::span(length)), root);
  text.resize(static_cast<size_t>(length[0]));
  comm.broadcast(std::as_writable_bytes(std::span(text)), root);
  return text;
}

std::vector<std::string> gather_text(Communicator& comm, const std::string& text) {
  std::vector<std::string> texts;
  for (const std::vector<std::byte>& bytes : comm.gather(std::as_bytes(std::span(text)))) {
    std::string& one = texts.emplace_back(bytes.size(), '\0');
    std::transform(bytes.begin(), bytes.end(), one.begin(), [](std::byte b) { return static_cast<char>(b); });
  }
  return texts;
}

std::vector<std::string> all_gather_text(Communicator& comm, const std::string& text) {
  std::vector<std::string> texts = gather_text(comm, text);
  texts.resize(static_cast<size_t>(comm.size()));
  for (std::string& one : texts) one = broadcast_text(comm, one);
  return texts;
}

}  // namespace charrnn
