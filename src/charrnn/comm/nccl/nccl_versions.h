// Whether the NCCL and CUDA that were loaded are those that charrnn was built with.
#pragma once

namespace charrnn {

// As NCCL (major * 10000 + minor * 100 + patch) and the CUDA runtime (major * 1000 + minor * 10) count them.
struct NcclVersions {
  int nccl_built = 0;  // of the headers the module was compiled with
  int nccl_loaded = 0;
  int cuda_built = 0;
  int cuda_loaded = 0;
};

// Throws Error with both numbers if a built and a loaded version differ: the classic cause of a crash much
// later.
void check_versions(const NcclVersions& versions);

}  // namespace charrnn
