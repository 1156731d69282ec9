#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

#include "comm/devices.h"
#include "comm/nccl_backend.h"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CudaDriver : public testing::Test {
 protected:
  void SetUp() override {
    setenv("FAKE_CUDA_GPUS", "2", 1);
    unsetenv("FAKE_CUDA_INIT_RESULT");
  }
};

TEST_F(CudaDriver, UuidsAreWrittenAsNvidiaSmiDoes) {
  // Any library that loads stands in for libtorch_cuda.
  const VisibleGpus gpus = find_gpus(FAKE_CUDA_DRIVER, "libm.so.6");
  // Bytes 0x10 to 0x1e in order, then device 100 + ordinal.
  EXPECT_THAT(gpus.uuids, ElementsAre("GPU-10111213-1415-1617-1819-1a1b1c1d1e64",
                                      "GPU-10111213-1415-1617-1819-1a1b1c1d1e65"));
  EXPECT_EQ(gpus.missing, nccl_missing());  // nothing, in a build with CUDA
}

TEST_F(CudaDriver, NoDriver) {
  const VisibleGpus gpus = find_gpus("libnot-there.so.1");
  EXPECT_THAT(gpus.missing, HasSubstr("no NVIDIA driver"));
  EXPECT_THAT(gpus.missing, HasSubstr("libnot-there.so.1"));
  EXPECT_FALSE(gpus.usable());
}

TEST_F(CudaDriver, NoVisibleGpu) {
  setenv("FAKE_CUDA_GPUS", "0", 1);
  EXPECT_THAT(find_gpus(FAKE_CUDA_DRIVER).missing, HasSubstr("CUDA_VISIBLE_DEVICES"));
}

TEST_F(CudaDriver, DriverFailure) {
  setenv("FAKE_CUDA_INIT_RESULT", "999", 1);
  EXPECT_THAT(find_gpus(FAKE_CUDA_DRIVER).missing,
              HasSubstr("cuInit failed with CUDA_ERROR_OF_THE_TEST (999)"));
}

TEST_F(CudaDriver, DriverThatIsNoDriver) {
  EXPECT_THAT(find_gpus("libm.so.6").missing, HasSubstr("lacks functions"));
}

TEST_F(CudaDriver, LibTorchWithoutCuda) {
  if (!nccl_missing().empty()) GTEST_SKIP() << nccl_missing();
  const VisibleGpus gpus = find_gpus(FAKE_CUDA_DRIVER, "libtorch_not_there.so");
  EXPECT_THAT(gpus.missing, HasSubstr("CUDA part of LibTorch"));
  EXPECT_THAT(gpus.missing, HasSubstr("libtorch_not_there.so"));
  EXPECT_EQ(gpus.uuids.size(), 2u) << "the GPUs are there: worth a warning";
}

}  // namespace
}  // namespace charrnn
