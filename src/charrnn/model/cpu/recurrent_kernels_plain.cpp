// The kernels for any processor: vectors of 16 bytes (SSE2, NEON).
#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {
namespace {

constexpr int64_t kWidth = 4;
constexpr int64_t kTileRows = 6;      // of lanes,
constexpr int64_t kPanelVectors = 2;  // by vectors of columns: 12 sums in 16 registers

#include "charrnn/model/cpu/kernel_products.inc"
// The cells use the products.
#include "charrnn/model/cpu/kernel_cells.inc"

}  // namespace

const RecurrentKernels kPlainKernels = kernels("plain");

}  // namespace charrnn
