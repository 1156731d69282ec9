// Communication of tensors between ranks: `comm` only handles spans of elements, `model` is independent of
// ranks.
#pragma once

#include <ATen/ATen.h>

#include <span>

#include "charrnn/comm/communicator.h"
#include "charrnn/model/gpu/current_stream.h"

namespace charrnn {

// The elements of a flat buffer of floats, in its device's memory.
std::span<float> elements(const at::Tensor& flat);

// Copies rank 0's values of a flat buffer to every rank.
void broadcast(Communicator& comm, const at::Tensor& flat);

// The state of this rank's lanes (L, B / W, H) -> the state of all lanes (L, B, H) on rank 0, undefined on
// other ranks; and back. W is the number of ranks.
at::Tensor gather_lanes(Communicator& comm, const at::Tensor& own);
at::Tensor scatter_lanes(Communicator& comm, const at::Tensor& all, at::IntArrayRef own_sizes);

}  // namespace charrnn
