#include <cuda_runtime_api.h>

#include <chrono>
#include <thread>

#include "charrnn/core/error.h"
#include "test_device.h"

namespace charrnn {
namespace {

void check_cuda(cudaError_t code) {
  check(code == cudaSuccess, "CUDA failed in a test: ", cudaGetErrorString(code));
}

// With its own stream, as a training run has.
class CudaDevice final : public TestDevice {
 public:
  CudaDevice() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  // Nothing here waits for the GPU, as in LibTorch, whose allocator keeps memory: an error must be reported
  // even while a GPU hangs.
  ~CudaDevice() override {
    const bool idle = is_idle();
    for (void* const memory : memory_) {
      if (idle) cudaFree(memory);
    }
    for (void* const buffer : buffers_) {
      if (idle) cudaFreeHost(buffer);
    }
    cudaStreamDestroy(stream_);
  }

  void* stream() override { return stream_; }
  void* allocate(size_t bytes) override {
    void* memory = nullptr;
    check_cuda(cudaMalloc(&memory, bytes));
    return memory;
  }
  void release(void* memory) override { memory_.push_back(memory); }
  void copy_in(void* device, const void* host, size_t bytes) override { copy(device, host, bytes); }
  void copy_out(void* host, const void* device, size_t bytes) override { copy(host, device, bytes); }
  void copy_in_later(void* device, const void* host, size_t bytes) override {
    void* buffer = nullptr;  // pinned, otherwise the call itself would wait
    check_cuda(cudaHostAlloc(&buffer, bytes, cudaHostAllocDefault));
    buffers_.push_back(buffer);
    std::memcpy(buffer, host, bytes);
    const auto pause = [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(30)); };
    check_cuda(cudaLaunchHostFunc(stream_, pause, nullptr));
    check_cuda(cudaMemcpyAsync(device, buffer, bytes, cudaMemcpyHostToDevice, stream_));
  }
  void hang() override {
    const auto sleep = [](void*) { std::this_thread::sleep_for(std::chrono::hours(1)); };
    check_cuda(cudaLaunchHostFunc(stream_, sleep, nullptr));
  }
  bool is_idle() override { return cudaStreamQuery(stream_) == cudaSuccess; }

 private:
  void copy(void* to, const void* from, size_t bytes) {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_));
    check_cuda(cudaStreamSynchronize(stream_));
  }

  cudaStream_t stream_ = nullptr;
  std::vector<void*> memory_;   // free for use again
  std::vector<void*> buffers_;  // host memory that the stream may still read
};

}  // namespace

std::unique_ptr<TestDevice> make_cuda_test_device() {
  return std::make_unique<CudaDevice>();
}

}  // namespace charrnn
