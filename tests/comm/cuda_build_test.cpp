#include "charrnn/comm/place/cuda_build.h"

#include <gmock/gmock.h>

#include "charrnn/comm/nccl/nccl_backend.h"

namespace charrnn {
namespace {

TEST(CudaBuild, IsThatOfLibTorch) {
  if (!nccl_missing().empty()) GTEST_SKIP() << nccl_missing();
  EXPECT_GE(cuda_build().runtime, 13000);
  EXPECT_THAT(cuda_build().code, testing::Contains("sm_90"));
}

TEST(CudaBuild, FindsWhatDoesNotFit) {
  const CudaBuild build{.runtime = 13020, .code = {"sm_80", "sm_86", "sm_90a", "compute_100", "sm_120f"}};
  EXPECT_EQ(find_mismatch(build, 12090, {}),
            "the NVIDIA driver supports CUDA 12.9, but charrnn was built with the CUDA runtime 13.2, which "
            "needs a driver for CUDA 13.0 or later: update the driver");
  EXPECT_EQ(find_mismatch(build, 13000, {}), "");
  const auto fits = [&](int major, int minor) {
    return find_mismatch(build, 13020, {{"GPU-1", "kind", major, minor}}).empty();
  };
  EXPECT_FALSE(fits(7, 5));
  EXPECT_TRUE(fits(8, 0));
  EXPECT_TRUE(fits(8, 9)) << "binaries for 8.6 run on later minor versions";
  EXPECT_TRUE(fits(9, 0));
  EXPECT_FALSE(fits(9, 1)) << "those for 9.0a run only on 9.0";
  EXPECT_TRUE(fits(10, 3)) << "PTX for 10.0 is compiled for all later ones";
  EXPECT_TRUE(fits(13, 0));
  EXPECT_EQ(find_mismatch(build, 13020, {{"GPU-1", "Tesla V100", 7, 0}}),
            "the GPU GPU-1 (Tesla V100) has compute capability 7.0, but the kernels of this LibTorch are for "
            "8.0, 8.6, 9.0, 10.0, 12.0: build charrnn with a LibTorch for that GPU, or hide it with "
            "CUDA_VISIBLE_DEVICES");
  EXPECT_EQ(find_mismatch({.runtime = 13020, .code = {}}, 13020, {{"GPU-1", "kind", 7, 0}}), "")
      << "a LibTorch that does not record what it was compiled for";
}

}  // namespace
}  // namespace charrnn
