// The NCCL module: sums and broadcasts between GPUs, on a stream of its own that events order against the
// caller's, so that queueing never waits. Where the host does wait, it asks NCCL for errors all the time, and
// the host's communicator sets the end.
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "comm/nccl_module.h"

namespace charrnn {
namespace {

// What ncclCommAbort gets, which can hang, before the process ends by itself.
constexpr double kAbortSeconds = 5;

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

// On an operation's way; used again for later ones.
struct Milestones {
  Event ready;  // the caller's stream has come to it
  Event done;   // our stream is through with it
};

// Makes DEVICE the current one of this thread before streams and events are created on it.
struct CurrentDevice {
  explicit CurrentDevice(int device) { check_cuda(cudaSetDevice(device), "cudaSetDevice"); }
};

class NcclCommunicator final : public Communicator {
 public:
  explicit NcclCommunicator(const NcclSetup& setup)
      : host_(*setup.host), log_(*setup.log), current_device_(setup.device_index) {
    ncclUniqueId id{};
    if (host_.rank() == 0) check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId");
    host_.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0);
    const AwaitedOperation start(log_, "the start of NCCL", sizeof id);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    settle(ncclCommInitRankConfig(&comm_, host_.size(), id, host_.rank(), &config), start.sequence());
  }

  // Leaves NCCL as the other ranks do; after an error, NCCL allows nothing but ending the communicator alone.
  ~NcclCommunicator() override {
    const AwaitedOperation end(log_, "the end of NCCL", 0);
    ncclResult_t state = ncclCommFinalize(comm_);
    host_.wait_until(
        end.sequence(),
        [&] {
          return state != ncclInProgress || ncclCommGetAsyncError(comm_, &state) != ncclSuccess ||
                 state != ncclInProgress;
        },
        only_this_gpu);
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
  std::string host_of(int rank) const override { return host_.host_of(rank); }

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
  void start_control_sum(std::span<double> host) override { host_.start_control_sum(host); }
  void finish_control_sum() override { host_.finish_control_sum(); }

  void start_sum(std::span<float> device, void* stream) override {
    sum(device.data(), device.size(), device.size_bytes(), ncclFloat, stream);
  }
  void start_sum(HalfSpan device, void* stream) override {
    sum(device.values.data(), device.values.size(), device.values.size_bytes(),
        device.type == HalfSpan::Type::kBf16 ? ncclBfloat16 : ncclHalf, stream);
  }
  void finish_sums(void* stream) override { let_go_on(stream); }
  void broadcast(std::span<float> device, int root, void* stream) override {
    enqueue("broadcast", device.size_bytes(), stream, [&] {
      return ncclBroadcast(device.data(), device.data(), device.size(), ncclFloat, root, comm_,
                           stream_.handle);
    });
    let_go_on(stream);
    wait(stream);
  }

  // One operation after the other, so that a message names the one that does not end. What the caller's
  // stream holds beside them is this GPU's alone, and counts as an operation of its own.
  void wait(void* stream) override {
    check_cuda(cudaEventRecord(drained_.handle, static_cast<cudaStream_t>(stream)), "cudaEventRecord");
    while (!queued_.empty()) await_first();
    const AwaitedOperation rest(log_, "the end of its work", 0);
    host_.wait_until(
        rest.sequence(), [&] { return is_through(drained_); }, only_this_gpu);
  }
  void wait_until(int64_t sequence, const std::function<bool()>& done,
                  const std::function<bool()>& here) override {
    host_.wait_until(sequence, done, here);
  }

  void still_working() override { host_.still_working(); }

  [[noreturn]] void abort(ExitCode code) override {
    {
      const AwaitedOperation operation(log_, "ncclCommAbort", 0, kAbortSeconds);
      ncclCommAbort(comm_);
    }
    host_.abort(code);
    _exit(static_cast<int>(code));  // not reached; the compiler cannot see that
  }

  void set_step(int64_t step) override { host_.set_step(step); }

 private:
  struct Queued {
    int64_t sequence = 0;
    std::unique_ptr<Milestones> milestones;
  };

  // The "here" of a wait for this GPU alone: while it lasts, this GPU is the one that has not come.
  static bool only_this_gpu() { return false; }

  // The one place where NCCL's return codes become Error. A non-blocking communicator's "in progress" is not
  // one.
  void check_nccl(ncclResult_t code, const std::string& operation) {
    if (code == ncclSuccess || code == ncclInProgress) return;
    const char* const detail = comm_ != nullptr ? ncclGetLastError(comm_) : nullptr;
    throw Error(concat("NCCL failed in ", operation, " on ", host_.host_of(host_.rank()), ": ",
                       ncclGetErrorString(code),
                       detail != nullptr && *detail != '\0' ? concat(" (", detail, ")") : "",
                       ". A rank, its GPU or the network was lost (NCCL_DEBUG=INFO tells more); start again "
                       "from the last checkpoint"),
                ExitCode::kLost);
  }

  // Whether the non-blocking call of an operation is through on the host. Throws Error where NCCL has met one
  // since.
  bool is_settled(int64_t sequence) {
    ncclResult_t state = ncclSuccess;
    ncclResult_t asked = ncclCommGetAsyncError(comm_, &state);
    if (asked == ncclSuccess) asked = state;
    if (asked != ncclSuccess && asked != ncclInProgress) check_nccl(asked, to_text(log_[sequence]));
    return asked == ncclSuccess;
  }

  static bool is_through(const Event& event) {
    const cudaError_t state = cudaEventQuery(event.handle);
    if (state == cudaErrorNotReady) return false;
    check_cuda(state, "cudaEventQuery");
    return true;
  }

  // Waits until a non-blocking call is through on the host, which is not the end of its work on the GPU.
  void settle(ncclResult_t result, int64_t sequence) {
    check_nccl(result, log_[sequence].name);
    if (result == ncclInProgress)
      host_.wait_until(
          sequence, [&] { return is_settled(sequence); }, nullptr);
  }

  void sum(void* values, size_t count, size_t bytes, ncclDataType_t type, void* stream) {
    enqueue("all_reduce_sum", bytes, stream,
            [&] { return ncclAllReduce(values, values, count, type, ncclSum, comm_, stream_.handle); });
  }

  // Until the oldest of what is queued is done.
  void await_first() {
    const int64_t sequence = queued_.front().sequence;
    const Milestones& milestones = *queued_.front().milestones;
    const AwaitedOperation awaited(log_, sequence);
    host_.wait_until(
        sequence,
        [&] {
          is_settled(sequence);
          return is_through(milestones.done);
        },
        [&] { return is_through(milestones.ready); });
    retire_first();
  }

  // After what the caller's stream holds, all on the GPU. The host gets no further ahead than some
  // operations: before CUDA's own queue is full, which would block it outside of any deadline.
  template <class Start>
  void enqueue(const char* name, size_t bytes, void* stream, const Start& start) {
    constexpr size_t most_queued = 8;
    while (queued_.size() >= most_queued) await_first();
    const int64_t sequence = log_.start_and_await(name, bytes);  // CUDA and NCCL may hang in queueing
    is_settled(sequence);
    while (!queued_.empty() && is_through(queued_.front().milestones->done)) retire_first();
    std::unique_ptr<Milestones> milestones = take_milestones();
    check_cuda(cudaEventRecord(milestones->ready.handle, static_cast<cudaStream_t>(stream)),
               "cudaEventRecord");
    check_cuda(cudaStreamWaitEvent(stream_.handle, milestones->ready.handle, 0), "cudaStreamWaitEvent");
    settle(start(), sequence);
    check_cuda(cudaEventRecord(milestones->done.handle, stream_.handle), "cudaEventRecord");
    queued_.push_back({sequence, std::move(milestones)});
    log_.let_go(sequence);
  }

  // What the caller's stream gets next comes after what ours holds.
  void let_go_on(void* stream) {
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

  Communicator& host_;
  OperationLog& log_;
  const CurrentDevice current_device_;  // before what is created on it
  const Stream stream_;
  const Event drained_;  // the caller's stream is through with all that a wait is for
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

extern "C" Communicator* charrnn_nccl_make(const NcclSetup* setup) {
  return std::make_unique<NcclCommunicator>(*setup).release();
}

}  // namespace charrnn
