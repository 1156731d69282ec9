#include "charrnn/comm/nccl/nccl_backend.h"
#include "test_device.h"

namespace charrnn {

std::unique_ptr<TestDevice> make_cuda_test_device() {
  fail(nccl_missing());
}

}  // namespace charrnn
