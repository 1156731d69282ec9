// The group of one on a GPU, and what all communicators on GPUs share: host operations go to the host's
// communicator, and waits for a stream are under its deadline. Part of the CUDA module.
#pragma once

#include <cuda_runtime_api.h>

#include <string>
#include <vector>

#include "charrnn/comm/nccl/nccl_module.h"

namespace charrnn {

// The one place where CUDA's return codes become Error.
inline void check_cuda(cudaError_t code, const char* function) {
  if (code == cudaSuccess) return;
  throw Error(concat("CUDA failed in ", function, ": ", cudaGetErrorString(code), " (",
                     cudaGetErrorName(code),
                     "). Look for Xid messages in dmesg; start again from the last checkpoint"));
}

struct CudaEvent {
  cudaEvent_t handle = nullptr;
  CudaEvent() { check_cuda(cudaEventCreateWithFlags(&handle, cudaEventDisableTiming), "cudaEventCreate"); }
  ~CudaEvent() { cudaEventDestroy(handle); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(cudaStream_t stream) { check_cuda(cudaEventRecord(handle, stream), "cudaEventRecord"); }
  // The GPU has done what the stream held at the record.
  bool is_past() const {
    const cudaError_t state = cudaEventQuery(handle);
    if (state == cudaErrorNotReady) return false;
    check_cuda(state, "cudaEventQuery");
    return true;
  }
};

// Makes `device` the current one of this thread before streams and events are created on it.
struct CurrentDevice {
  explicit CurrentDevice(int device) { check_cuda(cudaSetDevice(device), "cudaSetDevice"); }
};

class GpuCommunicator : public Communicator {
 public:
  explicit GpuCommunicator(const GpuSetup& setup)
      : host_(*setup.host), log_(*setup.log), current_device_(setup.device_index) {}

  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  int local_rank() const override { return host_.local_rank(); }
  int local_size() const override { return host_.local_size(); }
  std::string backend() const override { return "solo"; }
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
  void start_control_sum(std::shared_ptr<std::vector<double>> values) override {
    host_.start_control_sum(std::move(values));
  }
  void finish_control_sum() override { host_.finish_control_sum(); }

  void start_sum(std::span<float> /*device*/, void* /*stream*/) override {}
  void start_sum(HalfSpan /*device*/, void* /*stream*/) override {}
  void finish_sums(void* /*stream*/) override {}
  void broadcast(std::span<float> /*device*/, int root, void* /*stream*/) override {
    check(root == 0, "expected root 0 in a group of one, found ", root);
  }

  void wait(void* stream) override {
    drained_.record(static_cast<cudaStream_t>(stream));
    await_drained();
  }
  void wait_until(int64_t sequence, const std::function<bool()>& done,
                  const std::function<bool()>& device_arrived) override {
    host_.wait_until(sequence, done, device_arrived);
  }

  void heartbeat() override { host_.heartbeat(); }
  [[noreturn]] void abort(ErrorKind kind) override {
    host_.abort(kind);
    _exit(static_cast<int>(exit_code_of(kind)));  // not reached; the compiler cannot see that
  }
  void set_step(int64_t step) override { log_.set_step(step); }

 protected:
  // For a wait for this GPU alone: while it lasts, this GPU is the one that has not arrived.
  static bool only_this_gpu() { return false; }

  void await_drained() {
    const AwaitedOperation rest(log_, size() == 1 ? "the end of the GPU's work" : "the end of its work", 0);
    host_.wait_until(
        rest.sequence(), [&] { return drained_.is_past(); }, only_this_gpu);
  }

  Communicator& host_;
  OperationLog& log_;
  const CurrentDevice current_device_;  // before what is created on it
  CudaEvent drained_;                   // the caller's stream has done all that a wait is for
};

}  // namespace charrnn
