#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/NativeFunctions.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <cstring>

#include "test_device/cpu_alias.h"
#include "test_device/cpu_kernels.h"
#include "test_device/device_memory.h"
#include "test_device/device_work.h"

namespace charrnn::test_backend {
namespace {

void check_options(std::optional<at::Layout> layout, std::optional<bool> pin_memory) {
  TORCH_CHECK(layout.value_or(at::kStrided) == at::kStrided,
              "the device for tests supports only dense tensors");
  TORCH_CHECK(!pin_memory.value_or(false), "only memory of the CPU can be pinned");
}

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout> layout,
                 std::optional<at::Device> /*device*/, std::optional<bool> pin_memory,
                 std::optional<at::MemoryFormat> format) {
  check_options(layout, pin_memory);
  return at::Tensor(at::detail::empty_generic(sizes, device_allocator(),
                                              c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                              c10::dtype_or_default(type), format));
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> type,
                         std::optional<at::Layout> layout, std::optional<at::Device> /*device*/,
                         std::optional<bool> pin_memory) {
  check_options(layout, pin_memory);
  return empty_on_device(sizes, strides, c10::dtype_or_default(type));
}

const at::Tensor& resize(const at::Tensor& self, at::IntArrayRef sizes,
                         std::optional<at::MemoryFormat> format) {
  TORCH_CHECK(format.value_or(at::MemoryFormat::Contiguous) == at::MemoryFormat::Contiguous,
              "the device for tests resizes only contiguous tensors");
  if (self.sizes() == sizes) return self;
  const size_t bytes = at::detail::computeStorageNbytesContiguous(sizes, self.itemsize(),
                                                                  static_cast<size_t>(self.storage_offset()));
  grow_storage(self.storage(), bytes);
  self.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  return self;
}

at::Tensor& set_storage(at::Tensor& self, at::Storage source, int64_t offset, at::IntArrayRef sizes,
                        at::IntArrayRef strides) {
  TORCH_CHECK(source.device() == self.device(), "Expected all tensors to be on the same device: a tensor on ",
              self.device(), " cannot take a storage on ", source.device());
  const size_t bytes =
      strides.empty()
          ? at::detail::computeStorageNbytesContiguous(sizes, self.itemsize(), static_cast<size_t>(offset))
          : at::detail::computeStorageNbytes(sizes, strides, self.itemsize(), static_cast<size_t>(offset));
  grow_storage(source, bytes);
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(std::move(source));
  self.unsafeGetTensorImpl()->set_storage_offset(offset);
  if (strides.empty()) {
    self.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  } else {
    self.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
  }
  return self;
}

at::Tensor& set_whole_storage(at::Tensor& self, at::Storage source) {
  const auto elements = static_cast<int64_t>(source.nbytes() / self.itemsize());
  return set_storage(self, std::move(source), 0, {elements}, {});
}

at::Tensor& set_tensor(at::Tensor& self, const at::Tensor& source) {
  return set_storage(self, source.storage(), source.storage_offset(), source.sizes(), source.strides());
}

at::Tensor as_strided(const at::Tensor& self, at::IntArrayRef sizes, at::IntArrayRef strides,
                      std::optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(self, sizes, strides, offset);
}

at::Tensor view(const at::Tensor& self, at::IntArrayRef sizes) {
  return at::native::view(self, sizes);
}

at::Tensor reshape_alias(const at::Tensor& self, at::IntArrayRef sizes, at::IntArrayRef strides) {
  return at::native::_reshape_alias(self, sizes, strides);
}

at::Tensor unfold(const at::Tensor& self, int64_t dimension, int64_t size, int64_t step) {
  return at::native::unfold(self, dimension, size, step);
}

void record_stream(at::Tensor& /*self*/, at::Stream /*stream*/) {}

at::Scalar item(const at::Tensor& self) {
  count_copy(/*to_device=*/false, /*is_pinned=*/true);
  synchronize("item");
  return CpuAliases().of(self).item();
}

void copy_on_device(const at::Tensor& from, const at::Tensor& to) {
  count_operation("copy_");
  CpuAliases aliases;
  aliases.of(to).copy_(aliases.of(from));
}

void check_unchanged(const at::Tensor& source, const at::Tensor& copied) {
  const at::Tensor now = source.contiguous();
  TORCH_CHECK(
      std::memcmp(now.const_data_ptr(), copied.const_data_ptr(), copied.nbytes()) == 0,
      "pinned memory of shape ", source.sizes(),
      " was written after a non-blocking copy to the device began, and before the host waited for it");
}

// As with CUDA, types are converted on the host, strides are changed on the device.
void copy_to_device(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  const bool is_pinned = from.is_pinned() && from.scalar_type() == to.scalar_type();
  count_copy(/*to_device=*/true, is_pinned);
  if (!to.is_non_overlapping_and_dense()) count_operation("copy_");
  CpuAliases().of(to).copy_(from);
  if (!is_pinned || !non_blocking) return synchronize("copy_to_device");
  finish_later([from, copied = from.clone(at::MemoryFormat::Contiguous)] { check_unchanged(from, copied); });
}

// As with CUDA, types and strides are changed on the device.
void copy_to_host(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  const bool is_pinned = to.is_pinned();
  count_copy(/*to_device=*/false, is_pinned);
  if (from.scalar_type() != to.scalar_type() || !from.is_non_overlapping_and_dense())
    count_operation("copy_");
  if (!is_pinned || !non_blocking) {
    synchronize("copy_to_host");
    to.copy_(CpuAliases().of(from));
    return;
  }
  const at::Tensor copied = at::empty_like(to).copy_(CpuAliases().of(from));
  if (to.is_contiguous()) std::memset(to.mutable_data_ptr(), 0xff, to.nbytes());
  finish_later([to, copied] { to.copy_(copied); });
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  TORCH_CHECK(to.sizes() == from.sizes() || at::is_expandable_to(from.sizes(), to.sizes()),
              "a tensor of shape ", from.sizes(), " cannot be copied to one of shape ", to.sizes());
  if (to.numel() == 0) return to;
  if (to.is_cpu()) {
    copy_to_host(from, to, non_blocking);
  } else if (from.is_cpu()) {
    copy_to_device(from, to, non_blocking);
  } else {
    copy_on_device(from, to);
  }
  return to;
}

}  // namespace

void register_own_kernels(torch::Library& aten) {
  aten.impl("empty.memory_format", TORCH_FN(empty));
  aten.impl("empty_strided", TORCH_FN(empty_strided));
  aten.impl("resize_", TORCH_FN(resize));
  aten.impl("set_.source_Storage", TORCH_FN(set_whole_storage));
  aten.impl("set_.source_Storage_storage_offset", TORCH_FN(set_storage));
  aten.impl("set_.source_Tensor", TORCH_FN(set_tensor));
  aten.impl("as_strided", TORCH_FN(as_strided));
  aten.impl("view", TORCH_FN(view));
  aten.impl("_reshape_alias", TORCH_FN(reshape_alias));
  aten.impl("unfold", TORCH_FN(unfold));
  aten.impl("record_stream", TORCH_FN(record_stream));
  aten.impl("_local_scalar_dense", TORCH_FN(item));
  aten.impl("_copy_from", TORCH_FN(copy_from));
  // Otherwise LibTorch would split them into single operations; CUDA has kernels for them.
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (!name.name.starts_with("aten::_foreach_")) continue;
    const std::string overload = name.overload_name.empty() ? "" : "." + name.overload_name;
    aten.impl((name.name.substr(6) + overload).c_str(),
              torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
  }
}

}  // namespace charrnn::test_backend
