// The CUDA module: sums and broadcasts between GPUs by NCCL, on a stream that events order against the
// caller's, so that queueing never waits. While the host waits, it asks NCCL for errors all the time, and the
// host's communicator sets the end.
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "charrnn/comm/nccl/gpu_communicator.h"

namespace charrnn {
namespace {

// How long ncclCommAbort, which can hang, may take before the process ends by itself.
constexpr double kAbortSeconds = 5;

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

// Of an operation; used again for later ones.
struct Milestones {
  CudaEvent ready;  // the caller's stream has reached it
  CudaEvent done;   // our stream has done it
};

// What the user has not set otherwise. NCCL connects GPUs when an algorithm is first used, and a blocking
// communicator would wait for the other ranks in that call: everything is connected at the start instead.
void set_environment() {
  setenv("NCCL_RUNTIME_CONNECT", "0", /*overwrite=*/0);
  setenv("NCCL_COMM_BLOCKING", "1", /*overwrite=*/1);  // it would win over the configuration below
}

// The communicator is a blocking one: for each call of a non-blocking one NCCL starts a thread and joins it.
// Calls that only queue return at once; start and end, which wait for the other ranks, run in a thread.
class NcclCommunicator final : public GpuCommunicator {
 public:
  explicit NcclCommunicator(const GpuSetup& setup)
      : GpuCommunicator(setup), device_(setup.device_index), devices_are_alike_(setup.devices_are_alike) {
    set_environment();
    ncclUniqueId id{};
    if (rank() == 0) check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId");
    host_.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0);
    const AwaitedOperation start(log_, "the start of NCCL", sizeof id);
    const auto made = std::make_shared<ncclComm_t>(nullptr);
    const ncclResult_t result = call_in_thread(
        start.sequence(),
        [made, id, ranks = size(), own = rank()] {
          ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
          config.blocking = 1;
          return ncclCommInitRankConfig(made.get(), ranks, id, own, &config);
        },
        nullptr);
    check_nccl(result, "the start of NCCL");
    comm_ = *made;
  }

  // Leaves NCCL as the other ranks do; after an error, NCCL only allows each rank to end its communicator
  // alone.
  ~NcclCommunicator() override {
    const AwaitedOperation end(log_, "the end of NCCL", 0);
    const ncclResult_t result = call_in_thread(
        end.sequence(), [comm = comm_] { return ncclCommFinalize(comm); }, only_this_gpu);
    if (result == ncclSuccess) {
      ncclCommDestroy(comm_);
    } else {
      ncclCommAbort(comm_);
    }
  }

  std::string backend() const override { return "nccl"; }
  bool devices_are_alike() const override { return devices_are_alike_; }

  using GpuCommunicator::broadcast;
  void start_sum(std::span<float> device, void* stream) override {
    sum(device.data(), device.size(), device.size_bytes(), ncclFloat, stream);
  }
  void start_sum(HalfSpan device, void* stream) override {
    sum(device.values.data(), device.values.size(), device.values.size_bytes(),
        device.type == HalfSpan::Type::kBf16 ? ncclBfloat16 : ncclHalf, stream);
  }
  void finish_sums(void* stream) override { keep_order(stream); }
  void broadcast(std::span<float> device, int root, void* stream) override {
    enqueue("broadcast", device.size_bytes(), stream, [&] {
      return ncclBroadcast(device.data(), device.data(), device.size(), ncclFloat, root, comm_,
                           stream_.handle);
    });
    keep_order(stream);
    wait(stream);
  }

  // One operation after the other, so that a message names the one that does not end. What the caller's
  // stream holds besides is this GPU's alone, and counts as another operation.
  void wait(void* stream) override {
    drained_.record(static_cast<cudaStream_t>(stream));
    while (!queued_.empty()) await_first();
    await_drained();
  }

  [[noreturn]] void abort(ErrorKind kind) override {
    if (comm_ != nullptr) {
      const AwaitedOperation operation(log_, "ncclCommAbort", 0, kAbortSeconds);
      ncclCommAbort(comm_);
    }
    GpuCommunicator::abort(kind);
  }

 private:
  struct Queued {
    int64_t sequence = 0;
    std::unique_ptr<Milestones> milestones;
  };

  // The one place where NCCL's return codes become Error.
  void check_nccl(ncclResult_t code, const std::string& operation) {
    if (code == ncclSuccess) return;
    const char* const detail = ncclGetLastError(comm_);  // of the process: it needs no communicator
    throw Error(
        concat("NCCL failed in ", operation, " on ", host_.host_of(rank()), ": ", ncclGetErrorString(code),
               detail != nullptr && *detail != '\0' ? concat(" (", detail, ")") : "",
               ". A rank, its GPU or the network was lost (NCCL_DEBUG=INFO prints more); start again "
               "from the last checkpoint"),
        ErrorKind::kLost);
  }

  // Throws Error if NCCL's own threads, or another rank, have met one.
  void check_state(int64_t sequence) {
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = ncclCommGetAsyncError(comm_, &state);
    if (asked != ncclSuccess) state = asked;
    if (state != ncclSuccess) check_nccl(state, to_text(log_[sequence]));
  }

  // Runs a call that waits for other ranks without a limit, under the deadline. What `call` uses must be its
  // own: it may still run when this has thrown.
  ncclResult_t call_in_thread(int64_t sequence, const std::function<ncclResult_t()>& call,
                              const std::function<bool()>& device_arrived) {
    struct State {
      std::atomic<bool> is_done = false;
      ncclResult_t result = ncclSuccess;
    };
    const auto state = std::make_shared<State>();
    std::thread([state, call, device = device_] {
      cudaSetDevice(device);
      state->result = call();
      state->is_done = true;
    }).detach();
    host_.wait_until(
        sequence, [&] { return state->is_done.load(); }, device_arrived);
    return state->result;
  }

  void sum(void* values, size_t count, size_t bytes, ncclDataType_t type, void* stream) {
    enqueue("all_reduce_sum", bytes, stream,
            [&] { return ncclAllReduce(values, values, count, type, ncclSum, comm_, stream_.handle); });
  }

  // Waits until the oldest of what is queued is done.
  void await_first() {
    const int64_t sequence = queued_.front().sequence;
    const Milestones& milestones = *queued_.front().milestones;
    const AwaitedOperation awaited(log_, sequence);
    host_.wait_until(
        sequence,
        [&] {
          check_state(sequence);
          return milestones.done.is_past();
        },
        [&] { return milestones.ready.is_past(); });
    retire_first();
  }

  // Queues an operation after what the caller's stream holds, all on the GPU. The host gets at most
  // most_queued operations ahead: CUDA's own queue, once full, would block it outside of any deadline.
  template <class Start>
  void enqueue(const char* name, size_t bytes, void* stream, const Start& start) {
    constexpr size_t most_queued = 8;
    while (queued_.size() >= most_queued) await_first();
    const int64_t sequence = log_.start_and_await(name, bytes);  // CUDA and NCCL may hang in queueing
    check_state(sequence);
    while (!queued_.empty() && queued_.front().milestones->done.is_past()) retire_first();
    std::unique_ptr<Milestones> milestones = take_milestones();
    milestones->ready.record(static_cast<cudaStream_t>(stream));
    check_cuda(cudaStreamWaitEvent(stream_.handle, milestones->ready.handle, 0), "cudaStreamWaitEvent");
    check_nccl(start(), to_text(log_[sequence]));
    milestones->done.record(stream_.handle);
    queued_.push_back({sequence, std::move(milestones)});
    log_.stop_awaiting(sequence);
  }

  // What the caller's stream gets next runs after what ours holds.
  void keep_order(void* stream) {
    if (queued_.empty()) return;
    check_cuda(
        cudaStreamWaitEvent(static_cast<cudaStream_t>(stream), queued_.back().milestones->done.handle, 0),
        "cudaStreamWaitEvent");
  }

  std::unique_ptr<Milestones> take_milestones() {
    if (free_.empty()) return std::make_unique<Milestones>();
    std::unique_ptr<Milestones> taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }

  void retire_first() {
    log_.end(queued_.front().sequence);
    free_.push_back(std::move(queued_.front().milestones));
    queued_.pop_front();
  }

  const int device_;
  const bool devices_are_alike_;
  const Stream stream_;
  ncclComm_t comm_ = nullptr;
  std::deque<Queued> queued_;  // not seen done yet
  std::vector<std::unique_ptr<Milestones>> free_;
};

}  // namespace

extern "C" void charrnn_nccl_versions(NcclVersions* versions) {
  versions->nccl_built = NCCL_VERSION_CODE;
  versions->cuda_built = CUDART_VERSION;
  ncclGetVersion(&versions->nccl_loaded);
  cudaRuntimeGetVersion(&versions->cuda_loaded);
}

extern "C" Communicator* charrnn_nccl_make(const GpuSetup* setup) {
  return std::make_unique<NcclCommunicator>(*setup).release();
}

extern "C" Communicator* charrnn_one_gpu_make(const GpuSetup* setup) {
  return std::make_unique<GpuCommunicator>(*setup).release();
}

}  // namespace charrnn
