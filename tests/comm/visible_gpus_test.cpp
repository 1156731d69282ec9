#include "charrnn/comm/place/visible_gpus.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

#include "charrnn/comm/nccl/nccl_backend.h"
#include "charrnn/comm/place/cuda_build.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class VisibleGpusTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("FAKE_CUDA_GPUS", "2", 1);
    for (const char* const name : {"FAKE_CUDA_INIT_RESULT", "FAKE_CUDA_KINDS", "FAKE_CUDA_VERSION"}) {
      unsetenv(name);
    }
  }
};

TEST_F(VisibleGpusTest, GpusAreAsNvidiaSmiPrintsThem) {
  setenv("FAKE_CUDA_KINDS", "NVIDIA A100-SXM4-40GB MIG 1g.5gb 8.0,NVIDIA H100 80GB HBM3 9.0", 1);
  // Any library that loads stands in for libtorch_cuda.
  const VisibleGpus found = find_gpus(FAKE_CUDA_DRIVER, "libm.so.6");
  // Bytes 0x10 to 0x1e in order, then device 100 + ordinal.
  EXPECT_THAT(
      found.gpus,
      ElementsAre(Gpu{"MIG-10111213-1415-1617-1819-1a1b1c1d1e64", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", 8, 0},
                  Gpu{"GPU-10111213-1415-1617-1819-1a1b1c1d1e65", "NVIDIA H100 80GB HBM3", 9, 0}));
  EXPECT_EQ(found.missing, nccl_missing());  // nothing, in a build with CUDA
}

TEST_F(VisibleGpusTest, ADriverThatIsTooOld) {
  if (!nccl_missing().empty()) GTEST_SKIP() << nccl_missing();
  const int oldest = cuda_build().runtime / 1000 * 1000;
  setenv("FAKE_CUDA_VERSION", std::to_string(oldest).c_str(), 1);
  EXPECT_EQ(find_gpus(FAKE_CUDA_DRIVER, "libm.so.6").missing, "");
  setenv("FAKE_CUDA_VERSION", std::to_string(oldest - 10).c_str(), 1);
  const VisibleGpus found = find_gpus(FAKE_CUDA_DRIVER, "libm.so.6");
  EXPECT_THAT(found.missing, HasSubstr("update the driver"));
  EXPECT_EQ(found.gpus.size(), 2u) << "the GPUs are there: worth a warning";
}

TEST_F(VisibleGpusTest, AGpuThatLibTorchHasNoKernelsFor) {
  if (!nccl_missing().empty()) GTEST_SKIP() << nccl_missing();
  setenv("FAKE_CUDA_KINDS", "NVIDIA H100 9.0,Tesla K80 3.7", 1);
  EXPECT_THAT(find_gpus(FAKE_CUDA_DRIVER, "libm.so.6").missing,
              AllOf(HasSubstr("1e65 (Tesla K80) has compute capability 3.7"), HasSubstr("9.0")));
}

TEST_F(VisibleGpusTest, NoDriver) {
  const VisibleGpus gpus = find_gpus("libnot-there.so.1");
  EXPECT_THAT(gpus.missing, HasSubstr("no NVIDIA driver"));
  EXPECT_THAT(gpus.missing, HasSubstr("libnot-there.so.1"));
  EXPECT_FALSE(gpus.usable());
}

TEST_F(VisibleGpusTest, NoVisibleGpu) {
  setenv("FAKE_CUDA_GPUS", "0", 1);
  EXPECT_THAT(find_gpus(FAKE_CUDA_DRIVER).missing, HasSubstr("CUDA_VISIBLE_DEVICES"));
}

TEST_F(VisibleGpusTest, DriverFailure) {
  setenv("FAKE_CUDA_INIT_RESULT", "999", 1);
  EXPECT_THAT(find_gpus(FAKE_CUDA_DRIVER).missing,
              HasSubstr("cuInit failed with CUDA_ERROR_OF_THE_TEST (999)"));
}

TEST_F(VisibleGpusTest, ALibraryThatIsNotADriver) {
  EXPECT_THAT(find_gpus("libm.so.6").missing, HasSubstr("lacks functions"));
}

TEST_F(VisibleGpusTest, LibTorchWithoutCuda) {
  if (!nccl_missing().empty()) GTEST_SKIP() << nccl_missing();
  const VisibleGpus gpus = find_gpus(FAKE_CUDA_DRIVER, "libtorch_not_there.so");
  EXPECT_THAT(gpus.missing, HasSubstr("CUDA part of LibTorch"));
  EXPECT_THAT(gpus.missing, HasSubstr("libtorch_not_there.so"));
  EXPECT_EQ(gpus.gpus.size(), 2u) << "the GPUs are there: worth a warning";
}

}  // namespace
}  // namespace charrnn
