// Checks that the loaded NCCL and CUDA are those that charrnn was built with.
#pragma once

namespace charrnn {

// In the format of NCCL (major * 10000 + minor * 100 + patch) and of the CUDA runtime (major * 1000 + minor *
// 10).
struct NcclVersions {
  int nccl_built = 0;  // of the headers the module was compiled with
  int nccl_loaded = 0;
  int cuda_built = 0;
  int cuda_loaded = 0;
};

// Throws Error with both versions if they differ: that often causes a crash much later.
void check_versions(const NcclVersions& versions);

}  // namespace charrnn
