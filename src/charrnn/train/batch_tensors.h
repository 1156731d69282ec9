// Converts a batch of ids to tensors.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "charrnn/data/batch_reader.h"

namespace charrnn {

// Copies to a GPU from page-locked memory: from other memory the host would wait for all work queued on the
// GPU.
template <class T>
at::Tensor to_device(const std::vector<T>& values, at::IntArrayRef sizes, at::Device device) {
  const bool is_copied = device != at::kCPU;
  const auto type = c10::CppTypeToScalarType<T>::value;
  at::Tensor tensor = at::empty(sizes, at::TensorOptions().dtype(type).pinned_memory(is_copied));
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<T>());
  return tensor.to(device, type, /*non_blocking=*/is_copied);
}

// `ids` of the batch (its inputs or targets) -> (lanes, T) of int64 on the device, stored there as (T,
// lanes), because the layers are time-major.
inline at::Tensor to_tensor(const std::vector<int64_t>& ids, const Batch& batch, at::Device device) {
  std::vector<int64_t> by_time(ids.size());
  for (int64_t lane = 0; lane < batch.lanes; ++lane) {
    for (int64_t t = 0; t < batch.length; ++t) {
      by_time[static_cast<size_t>(t * batch.lanes + lane)] =
          ids[static_cast<size_t>(lane * batch.length + t)];
    }
  }
  return to_device(by_time, {batch.length, batch.lanes}, device).t();
}

// 1 for the lanes that start from zero state, else 0: (lanes, 1) of bool on the device.
inline at::Tensor fresh_mask(const Batch& batch, at::Device device) {
  std::vector<uint8_t> mask(static_cast<size_t>(batch.lanes));
  for (const int64_t lane : batch.fresh_lanes) mask[static_cast<size_t>(lane)] = 1;
  return to_device(mask, {batch.lanes, 1}, device).to(at::kBool);
}

}  // namespace charrnn
