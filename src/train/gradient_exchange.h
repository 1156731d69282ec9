// Where tensors meet ranks: `comm` knows spans of elements, `model` knows no ranks.
#pragma once

#include <ATen/ATen.h>

#include "comm/communicator.h"
#include "model/char_rnn.h"

namespace charrnn {

class GradientExchange {
 public:
  explicit GradientExchange(Communicator& comm) : comm_(comm) {}

  // The flat gradient buffer (P floats) summed over all ranks, in place: one all-reduce a step. Every rank
  // divided its loss by the global count before, so the sum is the gradient of the mean over all lanes.
  void sum(const at::Tensor& flat) const;

  // Rank 0's values of a flat buffer, on every rank.
  void broadcast(const at::Tensor& flat) const;

  // A state of this rank's lanes (L, B / W, H) -> of all lanes (L, B, H) on rank 0, undefined elsewhere; and
  // back.
  at::Tensor gather_lanes(const at::Tensor& own) const;
  at::Tensor scatter_lanes(const at::Tensor& all, at::IntArrayRef own_sizes) const;

 private:
  Communicator& comm_;
};

}  // namespace charrnn
