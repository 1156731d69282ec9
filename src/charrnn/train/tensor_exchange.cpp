#include "charrnn/train/tensor_exchange.h"

#include <cstring>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

at::Tensor from_bytes(const std::vector<std::byte>& bytes, at::IntArrayRef sizes) {
  at::Tensor tensor = at::empty(sizes, at::kFloat);
  check(bytes.size() == tensor.nbytes(), "expected ", tensor.nbytes(), " bytes of lane state, found ",
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

std::span<float> elements(const at::Tensor& flat) {
  check(flat.is_contiguous() && flat.scalar_type() == at::kFloat, "expected a flat buffer of floats");
  return {flat.mutable_data_ptr<float>(), static_cast<size_t>(flat.numel())};
}

void broadcast(Communicator& comm, const at::Tensor& flat) {
  comm.broadcast(elements(flat), 0, current_stream(flat));
}

at::Tensor gather_lanes(Communicator& comm, const at::Tensor& own) {
  const std::vector<std::vector<std::byte>> parts = comm.gather(to_bytes(own));
  if (comm.rank() != 0) return {};
  std::vector<at::Tensor> tensors;
  for (const std::vector<std::byte>& part : parts) tensors.push_back(from_bytes(part, own.sizes()));
  return at::cat(tensors, 1);
}

at::Tensor scatter_lanes(Communicator& comm, const at::Tensor& all, at::IntArrayRef own_sizes) {
  std::vector<std::vector<std::byte>> parts;
  if (comm.rank() == 0) {
    for (const at::Tensor& part : at::chunk(all, comm.size(), 1)) parts.push_back(to_bytes(part));
  }
  return from_bytes(comm.scatter(parts), own_sizes);
}

}  // namespace charrnn
