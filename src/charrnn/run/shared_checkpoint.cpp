#include "charrnn/run/shared_checkpoint.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "charrnn/comm/agreement.h"
#include "charrnn/comm/heartbeat.h"
#include "charrnn/comm/text_exchange.h"

namespace charrnn {

std::optional<Checkpoint> share_checkpoint(Communicator& comm,
                                           const std::function<std::optional<Checkpoint>()>& pick) {
  const bool is_first = comm.rank() == 0;
  std::optional<Checkpoint> found;
  agree_on_errors(comm, [&] {
    if (is_first) with_heartbeat(comm, [&] { found = pick(); });
  });
  using nlohmann::json;
  const std::string text = broadcast_text(
      comm, found ? json{{"file", found->saved.origin()}, {"metadata", metadata_of(*found)}}.dump() : "");
  if (!is_first && !text.empty()) {
    const json sent = json::parse(text);
    found = from_metadata(sent.at("metadata").get<std::map<std::string, std::string>>(),
                          sent.at("file").get<std::string>());
  }
  return found;
}

}  // namespace charrnn
