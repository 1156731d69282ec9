#include "test_device.h"

#include <cstdlib>

namespace charrnn {
namespace {

class HostDevice final : public TestDevice {
 public:
  void* stream() override { return nullptr; }
  void* allocate(size_t bytes) override { return std::malloc(bytes); }
  void release(void* memory) override { std::free(memory); }
  void copy_in(void* device, const void* host, size_t bytes) override {
    if (bytes > 0) std::memcpy(device, host, bytes);
  }
  void copy_out(void* host, const void* device, size_t bytes) override { copy_in(host, device, bytes); }
  void copy_in_later(void* device, const void* host, size_t bytes) override { copy_in(device, host, bytes); }
  void hang() override {}
  bool is_idle() override { return true; }
};

}  // namespace

std::unique_ptr<TestDevice> make_test_device(bool on_gpu) {
  if (on_gpu) return make_cuda_test_device();
  return std::make_unique<HostDevice>();
}

}  // namespace charrnn
