// The kernels of recurrent_kernels.h in GCC's vector extensions, for an instruction set with vectors of
// kWidth floats. A file defines kWidth, kTileRows and kPanelVectors in its anonymous namespace and includes
// this there.

using Vector = float __attribute__((vector_size(kWidth * sizeof(float))));
using UnalignedVector = float __attribute__((vector_size(kWidth * sizeof(float)), aligned(4), may_alias));
using Bits = int32_t __attribute__((vector_size(kWidth * sizeof(float))));

constexpr int64_t kPanelColumns = kPanelVectors * kWidth;
constexpr int64_t kDepth = 512;    // of a panel's part that stays in cache while tiles of lanes pass over it
constexpr int64_t kMostRows = 64;  // lanes whose sums of one block stay in cache
constexpr int64_t kPrefetch = 2048;  // bytes that weights are fetched ahead

inline Vector load(const float* from) {
  return *reinterpret_cast<const UnalignedVector*>(from);
}
inline void store(float* to, Vector value) {
  *reinterpret_cast<UnalignedVector*>(to) = value;
}

// The left factor of a product: its element (row, k) is at[row * row_stride + k * k_stride].
struct Left {
  const float* at;
  int64_t row_stride;
  int64_t k_stride;
};

// c (kRows, kVectors * kWidth) = [c +] a (kRows, depth) * panel (depth, kVectors * kWidth), all in registers.
template <int kRows, int kVectors>
void multiply_tile(Left a, const float* panel, int64_t depth, float* c, int64_t c_stride, bool add) {
  Vector sums[kRows][kVectors];
  for (int row = 0; row < kRows; ++row) {
    for (int v = 0; v < kVectors; ++v) {
      sums[row][v] = add ? load(c + row * c_stride + v * kWidth) : Vector{};
    }
  }
  for (int64_t k = 0; k < depth; ++k) {
    Vector weights[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      weights[v] = load(panel + v * kWidth);
      if (v * kWidth % 16 == 0) __builtin_prefetch(panel + v * kWidth + kPrefetch / 4);
    }
    for (int row = 0; row < kRows; ++row) {
      const float x = a.at[row * a.row_stride];
      for (int v = 0; v < kVectors; ++v) sums[row][v] += weights[v] * x;
    }
    panel += kVectors * kWidth;
    a.at += a.k_stride;
  }
  for (int row = 0; row < kRows; ++row) {
    for (int v = 0; v < kVectors; ++v) store(c + row * c_stride + v * kWidth, sums[row][v]);
  }
}

template <int kRows, int kVectors>
void multiply_panel(int64_t rows, int64_t columns, Left a, const float* panel, int64_t depth, float* c,
                    int64_t c_stride, bool add) {
  if constexpr (kVectors > 1) {
    if (columns < kVectors * kWidth) {
      multiply_panel<kRows, kVectors - 1>(rows, columns, a, panel, depth, c, c_stride, add);
      return;
    }
  }
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      multiply_panel<kRows - 1, kVectors>(rows, columns, a, panel, depth, c, c_stride, add);
      return;
    }
  }
  multiply_tile<kRows, kVectors>(a, panel, depth, c, c_stride, add);
}

// sums (rows, columns) = a (rows, depth) * a packed block of weights (depth, columns).
inline void multiply_block(int64_t rows, int64_t columns, const float* a, int64_t a_stride,
                           const float* block, int64_t depth, float* sums) {
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
  for (int64_t k = 0; k < depth; k += kDepth) {
    const int64_t part = depth - k < kDepth ? depth - k : kDepth;
    for (int64_t column = 0; column < columns; column += kPanelColumns) {
      const int64_t width = columns - column < kPanelColumns ? columns - column : kPanelColumns;
      const float* panel = block + column * depth + k * width;
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t row = tile * rows / tiles;
        const int64_t count = (tile + 1) * rows / tiles - row;
        multiply_panel<kTileRows, kPanelVectors>(count, width, {a + row * a_stride + k, a_stride, 1}, panel,
                                                 part, sums + row * columns + column, columns, k > 0);
      }
    }
  }
}

// Calls body(first lane, lanes, first unit, units, weights of the block) for pieces of the share.
template <class Body>
void for_pieces(const StepShare& share, int64_t block_units, int64_t hidden, const float* weights,
                int64_t weights_of_a_unit, const Body& body) {
  for (int64_t block = share.first_block; block < share.last_block; ++block) {
    const int64_t unit = block * block_units;
    const int64_t units = hidden - unit < block_units ? hidden - unit : block_units;
    for (int64_t lane = share.first_lane; lane < share.last_lane; lane += kMostRows) {
      const int64_t lanes = share.last_lane - lane < kMostRows ? share.last_lane - lane : kMostRows;
      body(lane, lanes, unit, units, weights + unit * weights_of_a_unit);
    }
  }
}

inline void multiply_rows(const RowProduct& p, const StepShare& share) {
  alignas(64) float sums[kMostRows * kBlockColumns];
  for (int64_t first = share.first_lane; first < share.last_lane; first += kMostRows) {
    const int64_t last = share.last_lane - first < kMostRows ? share.last_lane : first + kMostRows;
    for_pieces({share.first_block, share.last_block, first, last}, kBlockColumns, p.columns, p.weights,
               p.depth, [&](int64_t row, int64_t rows, int64_t column, int64_t columns, const float* block) {
                 multiply_block(rows, columns, p.a + row * p.a_stride, p.a_stride, block, p.depth, sums);
                 for (int64_t i = 0; i < rows; ++i) {
                   float* c = p.c + (row + i) * p.columns + column;
                   for (int64_t at = 0; at < columns; at += kWidth) {
                     Vector sum = load(sums + i * columns + at);
                     if (p.bias != nullptr) sum += load(p.bias + column + at);
                     store(c + at, sum);
                   }
                 }
               });
  }
}

// Columns of `from` (depth, columns; `stride` apart) as dense tiles (depth, kTileRows), the last one
// narrower. Row by row, for rows are far apart and each is fetched once.
inline void gather_tiles(const float* from, int64_t stride, int64_t depth, int64_t columns, float* to) {
  constexpr int64_t rows_ahead = 12;
  for (int64_t k = 0; k < depth; ++k) {
    const float* row = from + k * stride;
    for (int64_t i = 0; i < columns; i += 16) __builtin_prefetch(row + rows_ahead * stride + i);
    int64_t first = 0;
    for (; first + kTileRows <= columns; first += kTileRows) {
      __builtin_memcpy(to + first * depth + k * kTileRows, row + first, sizeof(float) * kTileRows);
    }
    for (int64_t i = first; i < columns; ++i) to[first * depth + k * (columns - first) + i - first] = row[i];
  }
}

inline void multiply_transposed(const WeightGradient& p, int64_t first, int64_t last) {
  constexpr int64_t most_rows = 8 * kTileRows;  // gathered at a time; they stay in second-level cache
  alignas(64) float tiles[most_rows * kDepth];
  for (int64_t k = 0; k < p.depth; k += kDepth) {
    const int64_t depth = p.depth - k < kDepth ? p.depth - k : kDepth;
    for (int64_t begin = first; begin < last; begin += most_rows) {
      const int64_t end = last - begin < most_rows ? last : begin + most_rows;
      gather_tiles(p.a + k * p.a_stride + begin, p.a_stride, depth, end - begin, tiles);
      for (int64_t column = 0; column < p.columns; column += kPanelColumns) {
        const int64_t columns = p.columns - column < kPanelColumns ? p.columns - column : kPanelColumns;
        const float* panel = p.b + column * p.depth + k * columns;
        for (int64_t row = begin; row < end; row += kTileRows) {
          const int64_t rows = end - row < kTileRows ? end - row : kTileRows;
          multiply_panel<kTileRows, kPanelVectors>(rows, columns, {tiles + (row - begin) * depth, 1, rows},
                                                   panel, depth, p.c + row * p.columns + column, p.columns,
                                                   k > 0);
        }
      }
    }
  }
}
