// The kernels for processors with AVX2 and FMA.
#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {
namespace {

constexpr int64_t kWidth = 8;
constexpr int64_t kTileRows = 6;      // of lanes,
constexpr int64_t kPanelVectors = 2;  // by vectors of columns: 12 sums in 16 registers

#include "charrnn/model/cpu/kernel_products.inc"
// The cells use the products.
#include "charrnn/model/cpu/kernel_cells.inc"

}  // namespace

const RecurrentKernels kAvx2Kernels = kernels("avx2");

}  // namespace charrnn
