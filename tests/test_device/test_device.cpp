#include "test_device/test_device.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <sstream>

#include "test_device/cpu_alias.h"
#include "test_device/cpu_kernels.h"
#include "test_device/device_memory.h"
#include "test_device/device_work.h"

// LibTorch is not built with the thread sanitizer, which therefore does not see its reference counts: its
// autograd engine seems to delete objects that another thread uses. Only programs with a device have threads
// of that engine.
extern "C" const char* __tsan_default_suppressions() {
  return "race:torch::autograd::GraphTask\nrace:c10::ivalue::Future\n";
}

namespace charrnn {
namespace {

const at::Device kDevice(at::kPrivateUse1, 0);

// One device with one stream. An event is a position in the order of the device's work.
class DeviceGuardImpl final : public c10::impl::DeviceGuardImplInterface {
 public:
  at::DeviceType type() const override { return at::kPrivateUse1; }
  at::Device exchangeDevice(at::Device device) const override {
    setDevice(device);
    return kDevice;
  }
  at::Device getDevice() const override { return kDevice; }
  void setDevice(at::Device device) const override {
    TORCH_CHECK(device.is_privateuseone() && device.index() <= 0, "expected ", kDevice, ", got ", device);
  }
  void uncheckedSetDevice(at::Device /*device*/) const noexcept override {}
  at::Stream getStream(at::Device /*device*/) const override { return stream(); }
  at::Stream getDefaultStream(at::Device /*device*/) const override { return stream(); }
  at::Stream getStreamFromGlobalPool(at::Device /*device*/, bool /*high_priority*/) const override {
    return stream();
  }
  at::Stream getNewStream(at::Device /*device*/, int /*priority*/) const override { return stream(); }
  at::Stream exchangeStream(at::Stream /*stream*/) const override { return stream(); }
  void* getStreamNativeHandle(at::Stream /*stream*/) const override {
    return nullptr;
  }  // like CUDA's default stream
  at::DeviceIndex deviceCount() const noexcept override { return 1; }

  void record(void** event, const at::Stream& /*stream*/, at::DeviceIndex /*device*/,
              c10::EventFlag /*flag*/) const override {
    if (*event == nullptr) *event = new int64_t;
    *static_cast<int64_t*>(*event) = test_backend::position();
  }
  void block(void* /*event*/, const at::Stream& /*stream*/) const override {}
  bool queryEvent(void* event) const override {
    if (event != nullptr) test_backend::finish_until(*static_cast<int64_t*>(event));
    return true;
  }
  void destroyEvent(void* event, at::DeviceIndex /*device*/) const noexcept override {
    delete static_cast<int64_t*>(event);
  }
  void synchronizeEvent(void* event) const override {
    if (event != nullptr) test_backend::synchronize("event", *static_cast<int64_t*>(event));
  }
  double elapsedTime(void* /*begin*/, void* /*end*/, at::DeviceIndex /*device*/) const override { return 0; }

  bool queryStream(const at::Stream& /*stream*/) const override {
    test_backend::finish_until(test_backend::position());
    return true;
  }
  void synchronizeStream(const at::Stream& /*stream*/) const override { test_backend::synchronize("stream"); }
  void synchronizeDevice(at::DeviceIndex /*device*/) const override { test_backend::synchronize("device"); }

 private:
  static at::Stream stream() { return at::Stream(at::Stream::DEFAULT, kDevice); }
};

class Hooks final : public at::PrivateUse1HooksInterface {
 public:
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(at::DeviceIndex /*device*/) const override { return true; }
  at::DeviceIndex deviceCount() const override { return 1; }
  at::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(at::DeviceIndex /*device*/) const override {}
  at::DeviceIndex exchangeDevice(at::DeviceIndex /*device*/) const override { return 0; }
  at::DeviceIndex maybeExchangeDevice(at::DeviceIndex /*device*/) const override { return 0; }
  // The CPU's kernels use the CPU's generator.
  const at::Generator& getDefaultGenerator(at::DeviceIndex /*device*/) const override {
    return at::detail::getDefaultCPUGenerator();
  }
  at::Device getDeviceFromPtr(void* data) const override {
    TORCH_CHECK(test_backend::is_device_address(data), "expected an address of the device for tests, got ",
                data);
    return kDevice;
  }
  bool isPinnedPtr(const void* data) const override { return test_backend::is_pinned_address(data); }
  at::Allocator* getPinnedMemoryAllocator() const override { return test_backend::pinned_allocator(); }
  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t bytes) const override {
    test_backend::grow_storage(storage, bytes);
  }
};

struct Backend {
  Backend()
      : device(kDevice),
        fallback(torch::Library::IMPL, "_", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__),
        aten(torch::Library::IMPL, "aten", c10::DispatchKey::PrivateUse1, __FILE__, __LINE__),
        autograd(torch::Library::IMPL, "aten", c10::DispatchKey::AutogradPrivateUse1, __FILE__, __LINE__) {
    c10::register_privateuse1_backend("test_device");
    c10::SetAllocator(at::kPrivateUse1, test_backend::device_allocator());
    c10::impl::DeviceGuardImplRegistrar(at::kPrivateUse1, new DeviceGuardImpl);
    at::RegisterPrivateUse1HooksInterface(new Hooks);
    fallback.fallback(torch::CppFunction::makeFromBoxedFunction<&test_backend::run_on_cpu>());
    test_backend::register_own_kernels(aten);
    test_backend::register_cudnn(aten, autograd);
  }
  at::Device device;
  torch::Library fallback;
  torch::Library aten;
  torch::Library autograd;
};

[[maybe_unused]] const at::Device kRegisteredAtStart = test_device();

}  // namespace

at::Device test_device() {
  static const auto* const backend = new Backend;  // never destroyed, because tensors and threads may need it
  return backend->device;
}

DeviceCounts counts() {
  return test_backend::counts_now();
}

void reset_counts() {
  test_backend::reset();
  test_backend::reset_peak();
}

std::string counts_text() {
  const DeviceCounts now = counts();
  std::ostringstream text;
  text << now.operations << " operations, " << now.synchronizations << " synchronizations, "
       << now.copies_to_device << " copies to the device, " << now.copies_to_host << " to the host, "
       << now.unpinned_copies << " of them unpinned\n";
  for (const auto& [name, count] : now.by_name) text << count << ' ' << name << '\n';
  for (const auto& [name, count] : now.synchronizations_by_name) text << count << " waits: " << name << '\n';
  return text.str();
}

DeviceMemory device_memory() {
  return test_backend::memory_in_use();
}

void release_cached_memory() {
  test_backend::release_cached();
}

}  // namespace charrnn
