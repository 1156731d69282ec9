// Converts device tensors to tensors for the CPU's kernels, and back.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>

#include <unordered_map>
#include <utility>
#include <vector>

namespace charrnn::test_backend {

at::Tensor empty_on_device(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type);

// Copies a tensor of the CPU to new memory of the device, with the same strides.
at::Tensor to_device(const at::Tensor& cpu_tensor);

// Gives `tensor` a storage of at least `bytes` bytes with the contents of the old one.
void grow_storage(const c10::Storage& storage, size_t bytes);

// CPU tensors in the memory of device tensors, for one call of a kernel. Tensors that share a storage also do
// so here.
class CpuAliases {
 public:
  at::Tensor of(const at::Tensor& device_tensor);

  // After the kernel: `result` as a tensor of the device. An alias, or a view of one, becomes the original
  // tensor, or a view of it; other tensors are copied.
  at::Tensor back(const at::Tensor& result) const;

  // After the kernel: sizes and memory of the device tensors whose aliases were resized (out arguments).
  void resize_originals() const;

 private:
  struct SharedStorage {
    c10::Storage cpu;
    c10::Storage device;
    const void* memory;
  };
  std::unordered_map<const c10::StorageImpl*, SharedStorage> by_device_storage_;
  std::unordered_map<const c10::StorageImpl*, c10::Storage> device_of_cpu_storage_;
  std::vector<std::pair<at::Tensor, at::Tensor>> tensors_;  // device tensor and its alias
};

}  // namespace charrnn::test_backend
