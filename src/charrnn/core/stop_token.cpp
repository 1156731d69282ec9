#include "charrnn/core/stop_token.h"

#include <cstring>

namespace charrnn {

std::string StopToken::reason() const {
  const char* const name = signal() != 0 ? sigabbrev_np(signal()) : nullptr;
  return name != nullptr ? std::string("SIG") + name : "request";
}

}  // namespace charrnn
