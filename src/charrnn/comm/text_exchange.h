// Exchanges texts between ranks. Every rank makes the same call.
#pragma once

#include <string>
#include <vector>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// The text of rank `root`, on every rank.
std::string broadcast_text(Communicator& comm, std::string text, int root = 0);

// On rank 0, one text per rank; empty on the others.
std::vector<std::string> gather_text(Communicator& comm, const std::string& text);

// One text per rank, on every rank.
std::vector<std::string> all_gather_text(Communicator& comm, const std::string& text);

}  // namespace charrnn
