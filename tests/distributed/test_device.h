// The device of the group under test, for tests that are the same on the CPU and on GPUs: its memory, and
// slow work for its stream.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace charrnn {

class TestDevice {
 public:
  virtual ~TestDevice() = default;
  virtual void* stream() = 0;  // as the Communicator takes it
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void copy_in(void* device, const void* host, size_t bytes) = 0;
  // Reads after the work in the stream, and waits for it.
  virtual void copy_out(void* host, const void* device, size_t bytes) = 0;
  // Copies the bytes of `host` to `device` after the work in the stream and a pause; does not wait. On the
  // CPU it copies at once.
  virtual void copy_in_later(void* device, const void* host, size_t bytes) = 0;
  // Work that is queued from now on never ends.
  virtual void hang() = 0;
  // Whether the stream has done all its work.
  virtual bool is_idle() = 0;
};

// The GPU that is current in this thread, or the host itself.
std::unique_ptr<TestDevice> make_test_device(bool on_gpu);

// Defined in test_device_cuda.cpp, or, without CUDA, in test_device_absent.cpp, where it throws.
std::unique_ptr<TestDevice> make_cuda_test_device();

// Elements in the device's memory.
template <class T>
class DeviceArray {
 public:
  DeviceArray(TestDevice& device, const std::vector<T>& values) : device_(device), size_(values.size()) {
    data_ = static_cast<T*>(device.allocate(bytes()));
    device.copy_in(data_, values.data(), bytes());
  }
  ~DeviceArray() { device_.release(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  std::span<T> span() { return {data_, size_}; }
  void fill_later(T value) {
    const std::vector<T> values(size_, value);
    device_.copy_in_later(data_, values.data(), bytes());
  }
  std::vector<T> values() {
    std::vector<T> values(size_);
    device_.copy_out(values.data(), data_, bytes());
    return values;
  }

 private:
  size_t bytes() const { return size_ * sizeof(T); }

  TestDevice& device_;
  size_t size_;
  T* data_ = nullptr;
};

}  // namespace charrnn
