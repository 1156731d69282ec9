#include "charrnn/comm/nccl/nccl_backend.h"

namespace charrnn {

std::string nccl_missing() {
  return "this charrnn was built without GPU support (-DCHARRNN_CUDA=OFF, or a LibTorch without CUDA)";
}

NcclVersions nccl_versions() {
  fail_usage(nccl_missing());
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator&, int, bool, Watchdog&) {
  fail_usage(nccl_missing());
}

std::unique_ptr<Communicator> make_one_gpu_communicator(Communicator&, int, Watchdog&) {
  fail_usage(nccl_missing());
}

}  // namespace charrnn
