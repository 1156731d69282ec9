// A matrix in the order in which the kernels of recurrent_kernels.h read it.
//
// Its columns are divided into blocks: the gates of `block_units` neighbouring units (the last block may have
// fewer), first all units of one gate, then of the next. So the sums of one unit are in cache together. A
// block is divided into panels of at most `panel_columns` columns; a panel is dense, row by row. Example:
// gates i and f of units 0 to 3, blocks of 2 units, panels of 4 columns, two rows (k = 0, 1):
//   block 0: i0 i1 f0 f1 of k = 0, then of k = 1; block 1: i2 i3 f2 f3 of k = 0, then of k = 1.
#pragma once

#include <cstdint>

namespace charrnn {

struct PackedOrder {
  int64_t gates;
  int64_t units;
  int64_t depth;  // rows
  int64_t block_units;
  int64_t panel_columns;

  int64_t blocks() const { return (units + block_units - 1) / block_units; }
  int64_t size() const { return gates * units * depth; }
};

// weights (gates * units, depth) -> their transpose, packed; the blocks in [first, last).
void pack_transposed(const float* weights, const PackedOrder& order, int64_t first, int64_t last,
                     float* packed);

// weights (depth, units), one gate -> packed, beginning with row `first_row`; the rows before it come last.
void pack(const float* weights, const PackedOrder& order, int64_t first_row, int64_t first, int64_t last,
          float* packed);

}  // namespace charrnn
