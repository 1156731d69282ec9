// The time loops of a recurrent layer on the CPU, forward and backward, in one parallel region for all steps.
// Each thread computes the same hidden units in every step (and the same lanes, if there are more threads
// than blocks of units), so its part of the packed weights stays in its core's cache. Every number is
// computed by one thread in a fixed order: results do not depend on the number of threads.
//
// Sizes: T steps, B lanes, H hidden units (a multiple of kUnitStep), G gates; see recurrent_kernels.h.
#pragma once

#include <cstdint>

#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {

struct RecurrentShape {
  const RecurrentKernels* kernels;
  const CellKernels* cell;
  int64_t length;  // T
  int64_t lanes;   // B
  int64_t hidden;  // H
  int threads;
};

struct ForwardPass {
  const float* weights;  // W_hh (G, H, H)
  float* packed;         // room for them
  const float* inputs;   // (T, B, G, H); with ids (V, G, H)
  const int64_t* ids;    // (T, B) or null
  const float* bias;     // (H) b_hn of a GRU
  float* h;              // (T + 1, B, H); the first (B, H) is input
  float* c;              // the same for an LSTM; without `keep` (B, H)
  float* saved;          // (T, B, S, H); without `keep` (B, S, H)
  bool keep;             // for backward
};
void run_forward(const RecurrentShape& shape, const ForwardPass& pass);

struct BackwardPass {
  const float* weights;      // W_hh (G, H, H)
  float* packed;             // room for them
  const float* grad_output;  // (T, B, H) or null
  const float* grad_h;       // (B, H), gradient of the last h, or null
  const float* h;            // (T + 1, B, H)
  const float* c;            // the same for an LSTM
  float* carry;    // (B, H): gradient of the last c, or zeros; becomes that of the first c (LSTM) or h (GRU)
  float* sums;     // (T, B, S, H) saved by forward; RNN (T, B, H). Becomes the gradients of the sums
  float* first_h;  // (B, H): becomes the gradient of the first h (GRU: less carry); may be null
};
void run_backward(const RecurrentShape& shape, const BackwardPass& pass);

// Adds row n of `rows` (N, columns; `stride` apart) to row ids[n] of `table`, in the order of n.
void add_rows(const float* rows, int64_t stride, const int64_t* ids, int64_t count, int64_t columns,
              float* table, int threads);

}  // namespace charrnn
