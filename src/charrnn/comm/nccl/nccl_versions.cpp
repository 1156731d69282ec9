#include "charrnn/comm/nccl/nccl_versions.h"

#include "charrnn/core/error.h"

namespace charrnn {

void check_versions(const NcclVersions& v) {
  check(v.nccl_built == v.nccl_loaded, "expected NCCL ", v.nccl_built,
        ", which charrnn was built with, found ", v.nccl_loaded,
        " loaded: another copy is found first (LD_LIBRARY_PATH, LD_PRELOAD?); remove it or build again");
  check(v.cuda_built == v.cuda_loaded, "expected the CUDA runtime ", v.cuda_built,
        ", which charrnn was built with, found ", v.cuda_loaded,
        " loaded: another copy is found first (LD_LIBRARY_PATH, LD_PRELOAD?); remove it or build again");
}

}  // namespace charrnn
