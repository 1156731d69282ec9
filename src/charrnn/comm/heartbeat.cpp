#include "charrnn/comm/heartbeat.h"

#include <chrono>
#include <future>

namespace charrnn {

void with_heartbeat(Communicator& comm, const std::function<void()>& work) {
  std::future<void> done = std::async(std::launch::async, work);
  while (done.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) comm.heartbeat();
  done.get();
}

}  // namespace charrnn
