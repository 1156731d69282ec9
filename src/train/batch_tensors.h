// A batch of ids as a tensor.
#pragma once

#include <ATen/ATen.h>

#include "data/batch_reader.h"

namespace charrnn {

// `ids` of the batch (its inputs or targets) -> (lanes, T) of int64 on the device. To a GPU they are copied
// from page-locked memory: from other memory the host would wait until all that is queued there is done.
inline at::Tensor to_tensor(const std::vector<int64_t>& ids, const Batch& batch, at::Device device) {
  const bool is_copied = device != at::kCPU;
  at::Tensor tensor =
      at::empty({batch.lanes, batch.steps}, at::TensorOptions().dtype(at::kLong).pinned_memory(is_copied));
  std::copy(ids.begin(), ids.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor.to(device, at::kLong, /*non_blocking=*/is_copied);
}

}  // namespace charrnn
