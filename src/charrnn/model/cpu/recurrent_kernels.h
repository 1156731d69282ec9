// The arithmetic of one time step of a recurrent layer on the CPU: a product with packed recurrent weights,
// and the cell's gates (or their derivatives) on each of its tiles while that is in cache. Compiled once for
// each instruction set; recurrent_kernels() returns the best that the processor can run.
//
// Sizes: B lanes, H hidden units (a multiple of kUnitStep), G gates of the cell. All arrays are dense floats.
// This header is included by files that are compiled for one instruction set, so it must not include inline
// functions: the linker keeps only one copy of each, which might be one that this processor cannot run.
#pragma once

#include <cstdint>

namespace charrnn {

enum class Cell;  // config/settings.h

// Units are padded to a multiple of this: one vector of AVX-512.
inline constexpr int64_t kUnitStep = 16;
// Maximum number of columns of a block; see packed_weights.h.
inline constexpr int64_t kBlockColumns = 64;

// A thread's part of a step: blocks of columns, and lanes.
struct StepShare {
  int64_t first_block, last_block;
  int64_t first_lane, last_lane;
};

// What a cell saves for backward in each step of a lane: S numbers for each unit, as (S, H):
//   LSTM (S = 4): i, f, g, o      GRU (4): q = W_hn h + b_hn, r, z, n      RNN (0): nothing, h is enough
// Backward overwrites it with the gradients of the sums before the nonlinearities (RNN: 1):
//   LSTM: i, f, g, o              GRU: q, r, z, n                         RNN: the one sum
struct ForwardStep {
  int64_t hidden;
  const float* weights;  // W_hh^T, packed
  const float* inputs;   // rows (G, H) of W_ih x + b_ih + b_hh; a GRU's n without b_hn
  const int64_t* ids;    // (B): lane b takes row ids[b] of inputs; null: row b
  const float* bias;     // (H) b_hn of a GRU
  const float* h;        // (B, H) before the step
  const float* c;        // (B, H) before the step, of an LSTM
  float* next_h;
  float* next_c;
  float* saved;  // (B, S, H)
};

struct BackwardStep {
  int64_t hidden;
  int64_t depth;             // numbers of a lane in next_sums that the product uses
  int64_t stride;            // from one lane to the next in sums and next_sums
  const float* weights;      // the rows of W_hh in the order of next_sums, packed
  const float* next_sums;    // (B, stride): gradients of the sums of step t + 1; null at the last step
  const float* grad_output;  // (B, H); may be null
  const float* grad_h;       // (B, H): gradient of the last h, at the last step; may be null
  const float* h;            // (B, H) before the step
  const float* next_h;       // (B, H) after it
  const float* c;            // for an LSTM, before and after the step
  const float* next_c;
  float* carry;  // (B, H) from step to step: gradient of c (LSTM), or of h past the gates (GRU)
  float* sums;   // (B, stride): saved by forward; becomes the gradients of the sums
};

struct CellKernels {
  int64_t gates;        // G
  int64_t saved;        // S
  int64_t sums;         // numbers of each unit in BackwardStep::sums after backward
  int64_t block_units;  // units of a block of forward's columns
  void (*forward)(const ForwardStep& step, const StepShare& share);
  void (*backward)(const BackwardStep& step, const StepShare& share);
};

// c = a * weights + bias, for many rows at once. The lanes of the share are rows; its blocks have
// kBlockColumns columns of c.
struct RowProduct {
  const float* a;  // (rows, depth), `a_stride` apart
  int64_t a_stride;
  int64_t depth;
  const float* weights;  // (depth, columns), packed
  int64_t columns;
  const float* bias;  // (columns) or null
  float* c;           // (rows, columns)
};

// c = a^T * b, the gradient of a weight: a sum over all lanes of all steps.
struct WeightGradient {
  const float* a;  // (depth, rows of c), `a_stride` apart
  int64_t a_stride;
  const float* b;  // (depth, columns), packed
  int64_t depth;
  int64_t columns;
  float* c;  // (rows, columns)
};

struct RecurrentKernels {
  const char* name;
  int64_t panel_columns;  // of packed weights
  CellKernels lstm, gru, rnn_tanh, rnn_relu;
  void (*multiply_rows)(const RowProduct& product, const StepShare& share);
  // Computes the rows [first, last) of c.
  void (*multiply_transposed)(const WeightGradient& product, int64_t first, int64_t last);
};

#if defined(__x86_64__)
extern const RecurrentKernels kAvx512Kernels;
extern const RecurrentKernels kAvx2Kernels;
#endif
extern const RecurrentKernels kPlainKernels;

// Whether this processor has the instructions of these kernels.
bool runs_here(const RecurrentKernels& kernels);

// The best kernels on this processor, and the kernels of a cell among them.
const RecurrentKernels& recurrent_kernels();
const CellKernels& cell_kernels(Cell cell);

}  // namespace charrnn
