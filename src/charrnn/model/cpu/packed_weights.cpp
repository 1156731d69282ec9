#include "charrnn/model/cpu/packed_weights.h"

#include <algorithm>

namespace charrnn {
namespace {

// Calls body(block's first unit, its units, panel's first column in the block, its columns, its destination).
template <class Body>
void for_panels(const PackedOrder& order, int64_t first, int64_t last, float* packed, const Body& body) {
  for (int64_t block = first; block < last; ++block) {
    const int64_t unit = block * order.block_units;
    const int64_t units = std::min(order.block_units, order.units - unit);
    const int64_t columns = order.gates * units;
    float* target = packed + unit * order.gates * order.depth;
    for (int64_t column = 0; column < columns; column += order.panel_columns) {
      const int64_t width = std::min(order.panel_columns, columns - column);
      body(unit, units, column, width, target + column * order.depth);
    }
  }
}

}  // namespace

void pack_transposed(const float* weights, const PackedOrder& order, int64_t first, int64_t last,
                     float* packed) {
  constexpr int64_t line = 16;  // floats of a cache line
  for_panels(order, first, last, packed,
             [&](int64_t unit, int64_t units, int64_t column, int64_t width, float* panel) {
               for (int64_t k = 0; k < order.depth; k += line) {
                 const int64_t end = std::min(k + line, order.depth);
                 for (int64_t i = 0; i < width; ++i) {
                   const int64_t gate = (column + i) / units;
                   const int64_t row = gate * order.units + unit + (column + i) % units;
                   const float* source = weights + row * order.depth;
                   for (int64_t at = k; at < end; ++at) panel[at * width + i] = source[at];
                 }
               }
             });
}

void pack(const float* weights, const PackedOrder& order, int64_t first_row, int64_t first, int64_t last,
          float* packed) {
  for_panels(order, first, last, packed,
             [&](int64_t unit, int64_t /*units*/, int64_t column, int64_t width, float* panel) {
               for (int64_t k = 0; k < order.depth; ++k) {
                 const int64_t row = (first_row + k) % order.depth;
                 std::copy_n(weights + row * order.units + unit + column, width, panel + k * width);
               }
             });
}

}  // namespace charrnn
