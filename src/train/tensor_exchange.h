// Where tensors meet ranks: `comm` knows spans of elements, `model` knows no ranks.
#pragma once

#include <ATen/ATen.h>

#include <span>

#include "comm/communicator.h"

namespace charrnn {

// The elements of a flat buffer of floats, in its device's memory.
std::span<float> elements(const at::Tensor& flat);

// What LibTorch queues work for this tensor's device on; nullptr on the CPU, which has none.
void* current_stream(const at::Tensor& tensor);

// Rank 0's values of a flat buffer, on every rank.
void broadcast(Communicator& comm, const at::Tensor& flat);

// A state of this rank's lanes (L, B / W, H) -> of all lanes (L, B, H) on rank 0, undefined elsewhere; and
// back.
at::Tensor gather_lanes(Communicator& comm, const at::Tensor& own);
at::Tensor scatter_lanes(Communicator& comm, const at::Tensor& all, at::IntArrayRef own_sizes);

}  // namespace charrnn
