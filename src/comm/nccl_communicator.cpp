// The NCCL module: sums and broadcasts between GPUs, on a stream of its own that events order against the
// caller's, so that the host never waits in the steady state. A watcher thread sees to it that no wait is
// without an end.
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "comm/nccl_module.h"

namespace charrnn {
namespace {

using Clock = std::chrono::steady_clock;

// Queueing takes microseconds, connecting the ranks up to seconds: polls spin first, then sleep.
constexpr double kSpinSeconds = 0.01;
constexpr auto kPollPause = std::chrono::milliseconds(1);
// What ncclCommAbort gets, which can hang, before the process ends by itself.
constexpr double kAbortSeconds = 5;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The one place where CUDA's return codes become Error.
void check_cuda(cudaError_t code, const char* function) {
  if (code == cudaSuccess) return;
  throw Error(concat("CUDA failed in ", function, ": ", cudaGetErrorString(code), " (",
                     cudaGetErrorName(code),
                     "). Look for Xid messages in dmesg; start again from the last checkpoint"));
}

// A stream of high priority: a sum must not queue behind the next layer's products.
struct Stream {
  cudaStream_t handle = nullptr;
  Stream() {
    int least = 0;
    int greatest = 0;
    check_cuda(cudaDeviceGetStreamPriorityRange(&least, &greatest), "cudaDeviceGetStreamPriorityRange");
    check_cuda(cudaStreamCreateWithPriority(&handle, cudaStreamNonBlocking, greatest),
               "cudaStreamCreateWithPriority");
  }
  ~Stream() { cudaStreamDestroy(handle); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
};

struct Event {
  cudaEvent_t handle = nullptr;
  Event() { check_cuda(cudaEventCreateWithFlags(&handle, cudaEventDisableTiming), "cudaEventCreate"); }
  ~Event() { cudaEventDestroy(handle); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

// Makes DEVICE the current one of this thread before streams and events are created on it.
struct CurrentDevice {
  explicit CurrentDevice(int device) { check_cuda(cudaSetDevice(device), "cudaSetDevice"); }
};

class NcclCommunicator final : public Communicator {
 public:
  explicit NcclCommunicator(const NcclSetup& setup)
      : setup_(setup), host_(*setup.host), current_device_(setup.device_index) {
    ncclUniqueId id{};
    if (host_.rank() == 0) check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId");
    host_.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0);

    Wait wait{.operation = "the start of NCCL",
              .sequence = 0,
              .bytes = sizeof id,
              .step = 0,
              .seconds = 0,
              .error = ""};
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    settle(ncclCommInitRankConfig(&comm_, host_.size(), id, host_.rank(), &config), wait);
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }

  // Leaves NCCL as the other ranks do; after an error, NCCL allows nothing but ending the communicator alone.
  ~NcclCommunicator() override {
    watcher_ = {};
    const ExitGuard guard(setup_.timeout_seconds, "the end of NCCL");
    ncclResult_t state = ncclCommFinalize(comm_);
    while (state == ncclInProgress) {
      std::this_thread::sleep_for(kPollPause);
      if (ncclCommGetAsyncError(comm_, &state) != ncclSuccess) break;
    }
    if (state == ncclSuccess) {
      ncclCommDestroy(comm_);
    } else {
      ncclCommAbort(comm_);
    }
  }

  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  int local_rank() const override { return host_.local_rank(); }
  int local_size() const override { return host_.local_size(); }
  std::string backend() const override { return "nccl"; }

  void broadcast(std::span<std::byte> host, int root) override { host_.broadcast(host, root); }
  void all_reduce_sum(std::span<double> host) override { host_.all_reduce_sum(host); }
  void all_reduce_max(std::span<int64_t> host) override { host_.all_reduce_max(host); }
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> host) override {
    return host_.gather(host);
  }
  std::vector<std::byte> scatter(const std::vector<std::vector<std::byte>>& parts) override {
    return host_.scatter(parts);
  }
  void barrier() override { host_.barrier(); }

  void all_reduce_sum(std::span<float> device, void* stream) override {
    enqueue("all_reduce_sum", device.size_bytes(), stream, [&] {
      return ncclAllReduce(device.data(), device.data(), device.size(), ncclFloat, ncclSum, comm_,
                           stream_.handle);
    });
  }
  void broadcast(std::span<float> device, int root, void* stream) override {
    enqueue("broadcast", device.size_bytes(), stream, [&] {
      return ncclBroadcast(device.data(), device.data(), device.size(), ncclFloat, root, comm_,
                           stream_.handle);
    });
  }

  [[noreturn]] void abort(ExitCode code) override {
    watcher_ = {};
    {
      const ExitGuard guard(kAbortSeconds, "ncclCommAbort");
      ncclCommAbort(comm_);
    }
    host_.abort(code);
    _exit(static_cast<int>(code));  // not reached; the compiler cannot see that
  }

  void set_step(int64_t step) override {
    host_.set_step(step);
    const std::lock_guard lock(mutex_);
    last_.step = step;
  }

 private:
  // The one place where NCCL's return codes become Error. A non-blocking communicator's "in progress" is not
  // one.
  void check_nccl(ncclResult_t code, const char* operation) {
    if (code == ncclSuccess || code == ncclInProgress) return;
    throw Error(
        concat("NCCL failed in ", operation, ": ", error_text(code),
               ". A rank or the network was lost (NCCL_DEBUG=INFO tells more); start again from the last "
               "checkpoint"),
        ExitCode::kLost);
  }

  std::string error_text(ncclResult_t code) {
    const char* const detail = ncclGetLastError(comm_);
    return concat(ncclGetErrorString(code),
                  detail != nullptr && *detail != '\0' ? concat(" (", detail, ")") : "");
  }

  // Waits until a non-blocking call is through on the host, which is not the end of its work on the GPU.
  void settle(ncclResult_t result, Wait& wait) {
    check_nccl(result, wait.operation.c_str());
    const auto begin = Clock::now();
    while (result == ncclInProgress) {
      check_nccl(ncclCommGetAsyncError(comm_, &result), "ncclCommGetAsyncError");
      check_nccl(result, wait.operation.c_str());
      wait.seconds = seconds_since(begin);
      if (wait.seconds > setup_.timeout_seconds) setup_.give_up(wait);
      if (wait.seconds < kSpinSeconds) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(kPollPause);
      }
    }
  }

  // The caller's stream -> ours -> the caller's stream, all on the GPU.
  template <class Start>
  void enqueue(const char* operation, size_t bytes, void* stream, const Start& start) {
    const std::lock_guard lock(mutex_);
    ncclResult_t state = ncclSuccess;
    check_nccl(ncclCommGetAsyncError(comm_, &state), "ncclCommGetAsyncError");
    check_nccl(state, last_.operation.c_str());
    last_.operation = operation;
    last_.bytes = bytes;
    ++last_.sequence;
    last_began_ = Clock::now();

    const auto callers = static_cast<cudaStream_t>(stream);
    check_cuda(cudaEventRecord(ready_.handle, callers), "cudaEventRecord");
    check_cuda(cudaStreamWaitEvent(stream_.handle, ready_.handle, 0), "cudaStreamWaitEvent");
    settle(start(), last_);
    check_cuda(cudaEventRecord(done_.handle, stream_.handle), "cudaEventRecord");
    check_cuda(cudaStreamWaitEvent(callers, done_.handle, 0), "cudaStreamWaitEvent");
  }

  // Whoever reads a result waits inside CUDA, for ever if a rank is lost; this thread ends the process then.
  void watch(const std::stop_token& stop) {
    cudaSetDevice(setup_.device_index);
    const auto pause = std::chrono::duration<double>(std::min(1.0, setup_.timeout_seconds / 10));
    std::unique_lock lock(mutex_);
    for (;;) {
      watch_pause_.wait_for(lock, stop, pause, [] { return false; });
      if (stop.stop_requested()) return;
      ncclResult_t state = ncclSuccess;
      ncclCommGetAsyncError(comm_, &state);
      const bool failed = state != ncclSuccess && state != ncclInProgress;
      const bool late = seconds_since(last_began_) > setup_.timeout_seconds;
      if (!failed && !(late && cudaEventQuery(done_.handle) == cudaErrorNotReady)) continue;
      last_.seconds = seconds_since(last_began_);
      if (failed) last_.error = error_text(state);
      setup_.give_up(last_);
    }
  }

  const NcclSetup setup_;
  Communicator& host_;
  const CurrentDevice current_device_;  // before what is created on it
  const Stream stream_;
  const Event ready_;
  const Event done_;
  ncclComm_t comm_ = nullptr;

  std::mutex mutex_;  // between the caller and the watcher
  std::condition_variable_any watch_pause_;
  Wait last_{
      .operation = "the start of NCCL", .sequence = 0, .bytes = 0, .step = 0, .seconds = 0, .error = ""};
  Clock::time_point last_began_ = Clock::now();
  std::jthread watcher_;  // last: it uses the others
};

}  // namespace

extern "C" void charrnn_nccl_versions(NcclVersions* versions) {
  versions->nccl_built = NCCL_VERSION_CODE;
  versions->cuda_built = CUDART_VERSION;
  ncclGetVersion(&versions->nccl_loaded);
  cudaRuntimeGetVersion(&versions->cuda_loaded);
}

extern "C" Communicator* charrnn_nccl_make(const NcclSetup* setup) {
  return std::make_unique<NcclCommunicator>(*setup).release();
}

}  // namespace charrnn
