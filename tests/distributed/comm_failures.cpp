// Goes wrong in the way that its first argument names; comm_failures_test.sh and comm_nccl_failures_test.sh
// look at how it ends. The second argument is the report folder; the third, "cuda" or "auto", asks for GPUs.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "charrnn/comm/agreement.h"
#include "charrnn/comm/session.h"
#include "test_device.h"

namespace charrnn {
namespace {

// What the last rank does instead of reaching the sum of step 31.
void leave(Communicator& comm, const std::string& way) {
  if (way == "stay-away") std::this_thread::sleep_for(std::chrono::seconds(60));
  if (way == "killed") std::raise(SIGKILL);
  if (way == "stopped") std::raise(SIGSTOP);
  if (way == "other-way") comm.barrier();
  if (way == "error") throw Error("the loss is gone", ErrorKind::kDiverged);
  if (way == "exception") throw std::out_of_range("beyond the end");
}

ExitCode go_wrong(Session& session, const std::string& way, const std::string& folder,
                  DeviceName device_name) {
  const bool last = session.comm().rank() == session.comm().size() - 1;
  agree_on_errors(session.comm(), [&] {
    if (way == "usage-error-of-all") fail_usage("misspelt key");
    if (way == "usage-error-of-last" && last) fail_usage("misspelt key");
  });
  CommSettings settings;
  settings.timeout_seconds = way == "killed" ? 10 : 1.5;      // mpirun ends the others after 2 s
  settings.start_timeout_seconds = settings.timeout_seconds;  // of NCCL: MPI has started
  Communicator& comm = session.connect(settings, device_name, folder);
  session.put_away_reports();
  const auto device = make_test_device(session.device().cuda);
  // Two steps as in training; in the second, 31, something goes wrong.
  std::vector<float> result;
  for (const int64_t step : {30, 31}) {
    comm.set_step(step);
    const auto control = std::make_shared<std::vector<double>>(std::initializer_list<double>{1.0, 2.0});
    DeviceArray<float> values(*device, std::vector<float>(1000, 1.0f));
    DeviceArray<float> more(*device, std::vector<float>(20, 1.0f));
    if (step == 31 && last) leave(comm, way);
    if (step == 31 && last && way == "gpu-hangs") device->hang();
    comm.start_sum(values.span(), device->stream());
    comm.start_sum(more.span(), device->stream());
    comm.start_control_sum(control);
    comm.finish_sums(device->stream());
    comm.wait(device->stream());
    comm.finish_control_sum();
    result = values.values();
  }
  if (comm.rank() == 0) {
    std::printf("%d ranks, %s, devices %s\n", static_cast<int>(result[0]), comm.backend().c_str(),
                comm.devices_are_alike() ? "alike" : "differ");
    if (session.device().cuda) std::fputs(session.place_table().c_str(), stdout);
  }
  return way == "saved" ? ExitCode::kSaved : ExitCode::kFinished;
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  const std::string way = argc > 1 ? argv[1] : "";
  const std::string folder = argc > 2 ? argv[2] : "";
  const std::string device = argc > 3 ? argv[3] : "cpu";
  const charrnn::DeviceName name = device == "cuda"   ? charrnn::DeviceName::kCuda
                                   : device == "auto" ? charrnn::DeviceName::kAuto
                                                      : charrnn::DeviceName::kCpu;
  const auto body = [&](charrnn::Session& session) { return charrnn::go_wrong(session, way, folder, name); };
  return way == "short-start" ? charrnn::run_ranks(body, 1) : charrnn::run_ranks(body);
}
