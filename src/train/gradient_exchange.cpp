#include "train/gradient_exchange.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstring>

#include "core/error.h"

namespace charrnn {
namespace {

// What LibTorch is queueing work on; the CPU has none.
void* current_stream(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return nullptr;
  const c10::impl::VirtualGuardImpl device(tensor.device().type());
  return device.getStream(tensor.device()).native_handle();
}

std::span<float> elements(const at::Tensor& flat) {
  check(flat.is_contiguous() && flat.scalar_type() == at::kFloat, "expected a flat buffer of floats");
  return {flat.mutable_data_ptr<float>(), static_cast<size_t>(flat.numel())};
}

at::Tensor from_bytes(const std::vector<std::byte>& bytes, at::IntArrayRef sizes) {
  at::Tensor tensor = at::empty(sizes, at::kFloat);
  check(bytes.size() == tensor.nbytes(), "expected ", tensor.nbytes(), " bytes of lane state, got ",
        bytes.size());
  std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

std::vector<std::byte> to_bytes(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().to(at::kCPU).contiguous();
  const auto* begin = static_cast<const std::byte*>(dense.const_data_ptr());
  return {begin, begin + dense.nbytes()};
}

}  // namespace

void GradientExchange::sum(const at::Tensor& flat) const {
  comm_.all_reduce_sum(elements(flat), current_stream(flat));
}

void GradientExchange::broadcast(const at::Tensor& flat) const {
  comm_.broadcast(elements(flat), 0, current_stream(flat));
}

at::Tensor GradientExchange::gather_lanes(const at::Tensor& own) const {
  const std::vector<std::vector<std::byte>> parts = comm_.gather(to_bytes(own));
  if (comm_.rank() != 0) return {};
  std::vector<at::Tensor> tensors;
  for (const std::vector<std::byte>& part : parts) tensors.push_back(from_bytes(part, own.sizes()));
  return at::cat(tensors, 1);
}

at::Tensor GradientExchange::scatter_lanes(const at::Tensor& all, at::IntArrayRef own_sizes) const {
  std::vector<std::vector<std::byte>> parts;
  if (comm_.rank() == 0) {
    for (const at::Tensor& part : at::chunk(all, comm_.size(), 1)) parts.push_back(to_bytes(part));
  }
  return from_bytes(comm_.scatter(parts), own_sizes);
}

}  // namespace charrnn
