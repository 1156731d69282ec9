// The kernels for processors with AVX-512.
#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {
namespace {

constexpr int64_t kWidth = 16;
constexpr int64_t kTileRows = 6;      // of lanes,
constexpr int64_t kPanelVectors = 4;  // by vectors of columns: 24 sums in 32 registers

#include "charrnn/model/cpu/kernel_products.inc"
// The cells use the products.
#include "charrnn/model/cpu/kernel_cells.inc"

}  // namespace

const RecurrentKernels kAvx512Kernels = kernels("avx512");

}  // namespace charrnn
