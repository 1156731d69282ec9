// Weights and outputs of a recurrent layer, the same for all implementations: `cpu/fast_layer.h` is charrnn's
// own for floats on the CPU, `gpu/cudnn_layer.h` cuDNN's, `reference_layer.h` LibTorch's for any type and
// device.
//
// Sizes: T steps, B lanes, I input width, H hidden units, G gates in PyTorch's order. Tensors are time-major:
// the lanes of a step are next to each other.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "charrnn/config/settings.h"

namespace charrnn {

struct LayerWeights {
  at::Tensor input;           // (GH, I)
  at::Tensor recurrent;       // (GH, H)
  at::Tensor input_bias;      // (GH)
  at::Tensor recurrent_bias;  // (GH)
};

struct LayerOutput {
  at::Tensor output;  // (T, B, H)
  at::Tensor h;       // (B, H) after the last step
  at::Tensor c;       // the same for an LSTM, otherwise undefined
};

// G: LSTM 4 (i, f, g, o), GRU 3 (r, z, n), RNN 1.
inline int64_t gate_count(Cell cell) {
  switch (cell) {
    case Cell::kLstm:
      return 4;
    case Cell::kGru:
      return 3;
    case Cell::kRnnTanh:
    case Cell::kRnnRelu:
      break;
  }
  return 1;
}

}  // namespace charrnn
