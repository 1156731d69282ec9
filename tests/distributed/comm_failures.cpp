// Goes wrong in the way that its first argument names; comm_failures_test.sh looks at how it ends. The second
// is the report folder.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "comm/agreement.h"
#include "comm/launch.h"

namespace charrnn {
namespace {

ExitCode go_wrong(Session& session, const std::string& way, const std::string& folder) {
  const bool last = session.comm().rank() == session.comm().size() - 1;
  together(session.comm(), [&] {
    if (way == "usage-error-of-all") fail_usage("misspelt key");
    if (way == "usage-error-of-last" && last) fail_usage("misspelt key");
  });
  CommSettings settings;
  settings.timeout_seconds = 1.5;
  Communicator& comm =
      session.choose_backend(settings, way == "wants-gpu" ? DeviceName::kCuda : DeviceName::kCpu, folder);
  comm.set_step(31);
  if (last && way == "stay-away") std::this_thread::sleep_for(std::chrono::seconds(60));
  if (last && way == "error") throw Error("the loss is gone", ExitCode::kDiverged);
  if (last && way == "exception") throw std::out_of_range("beyond the end");
  std::vector<float> values(1000, 1.0f);
  comm.all_reduce_sum(values, nullptr);
  if (comm.rank() == 0) std::printf("%d ranks, %s\n", static_cast<int>(values[0]), comm.backend().c_str());
  return way == "saved" ? ExitCode::kSaved : ExitCode::kFinished;
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  const std::string way = argc > 1 ? argv[1] : "";
  const std::string folder = argc > 2 ? argv[2] : "";
  return charrnn::run_ranks(
      [&](charrnn::Session& session) { return charrnn::go_wrong(session, way, folder); });
}
