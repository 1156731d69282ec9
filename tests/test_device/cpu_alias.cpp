#include "test_device/cpu_alias.h"

#include <ATen/EmptyTensor.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/TensorImpl.h>

#include <cstring>

#include "test_device/device_memory.h"

namespace charrnn::test_backend {

at::Tensor empty_on_device(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type) {
  return at::Tensor(at::detail::empty_strided_generic(
      sizes, strides, device_allocator(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), type));
}

at::Tensor to_device(const at::Tensor& cpu_tensor) {
  const at::Tensor dense = cpu_tensor.is_non_overlapping_and_dense() ? cpu_tensor : cpu_tensor.contiguous();
  const at::Tensor result = empty_on_device(dense.sizes(), dense.strides(), dense.scalar_type());
  const size_t bytes = dense.nbytes();
  if (bytes > 0) std::memcpy(kernel_address(result.const_data_ptr(), bytes), dense.const_data_ptr(), bytes);
  return result;
}

void grow_storage(const c10::Storage& storage, size_t bytes) {
  const size_t before = storage.nbytes();
  if (bytes <= before) return;
  c10::DataPtr fresh = device_allocator()->allocate(bytes);
  if (before > 0) device_allocator()->copy_data(fresh.mutable_get(), storage.data(), before);
  storage.set_data_ptr_noswap(std::move(fresh));
  storage.set_nbytes(bytes);
}

at::Tensor CpuAliases::of(const at::Tensor& device_tensor) {
  const c10::Storage& storage = device_tensor.storage();
  const auto [found, is_new] = by_device_storage_.try_emplace(storage.unsafeGetStorageImpl());
  if (is_new) {
    const size_t bytes = storage.nbytes();
    void* memory = bytes == 0 ? nullptr : kernel_address(storage.data(), bytes);
    found->second = {c10::Storage(c10::Storage::use_byte_size_t(), bytes,
                                  c10::DataPtr(memory, c10::DeviceType::CPU), c10::GetCPUAllocator(),
                                  /*resizable=*/true),
                     storage, memory};
    device_of_cpu_storage_[found->second.cpu.unsafeGetStorageImpl()] = storage;
  }
  at::Tensor alias = at::detail::make_tensor<c10::TensorImpl>(
      c10::Storage(found->second.cpu), c10::DispatchKeySet(c10::DispatchKey::CPU), device_tensor.dtype());
  alias.unsafeGetTensorImpl()->set_sizes_and_strides(device_tensor.sizes(), device_tensor.strides(),
                                                     device_tensor.storage_offset());
  if (device_tensor.unsafeGetTensorImpl()->is_wrapped_number())
    alias.unsafeGetTensorImpl()->set_wrapped_number(true);
  tensors_.emplace_back(device_tensor, alias);
  return alias;
}

at::Tensor CpuAliases::back(const at::Tensor& result) const {
  if (!result.defined()) return result;
  for (const auto& [original, alias] : tensors_) {
    if (alias.is_same(result)) return original;
  }
  const auto found = device_of_cpu_storage_.find(result.storage().unsafeGetStorageImpl());
  if (found == device_of_cpu_storage_.end()) return to_device(result);
  at::Tensor view = at::detail::make_tensor<c10::TensorImpl>(
      c10::TensorImpl::VIEW, c10::Storage(found->second), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
      result.dtype());
  view.unsafeGetTensorImpl()->set_sizes_and_strides(result.sizes(), result.strides(),
                                                    result.storage_offset());
  return view;
}

void CpuAliases::resize_originals() const {
  for (const auto& [key, shared] : by_device_storage_) {
    if (shared.cpu.data() == shared.memory) continue;
    const size_t bytes = shared.cpu.nbytes();
    grow_storage(shared.device, bytes);
    std::memcpy(kernel_address(shared.device.data(), bytes), shared.cpu.data(), bytes);
  }
  for (const auto& [original, alias] : tensors_) {
    if (original.sizes() == alias.sizes() && original.strides() == alias.strides()) continue;
    original.unsafeGetTensorImpl()->set_sizes_and_strides(alias.sizes(), alias.strides(),
                                                          alias.storage_offset());
  }
}

}  // namespace charrnn::test_backend
