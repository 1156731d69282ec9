// Where tensors meet ranks: `comm` knows spans of elements, `model` knows no ranks.
#pragma once

#include <ATen/ATen.h>

#include <span>

#include "charrnn/comm/communicator.h"
#include "charrnn/model/gpu/current_stream.h"

namespace charrnn {

// The elements of a flat buffer of floats, in its device's memory.
std::span<float> elements(const at::Tensor& flat);

// Rank 0's values of a flat buffer, on every rank.
void broadcast(Communicator& comm, const at::Tensor& flat);

// A state of this rank's lanes (L, B / W, H) -> of all lanes (L, B, H) on rank 0, undefined elsewhere; and
// back.
at::Tensor gather_lanes(Communicator& comm, const at::Tensor& own);
at::Tensor scatter_lanes(Communicator& comm, const at::Tensor& all, at::IntArrayRef own_sizes);

}  // namespace charrnn
