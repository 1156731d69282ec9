#include "charrnn/train/compute.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <limits>

namespace charrnn {
namespace {

TEST(Compute, DenormalsAreFlushedInEveryThread) {
  Session session;
  session.connect({}, DeviceName::kCpu, "");
  EXPECT_EQ(prepare_compute(session, 3), at::kCPU);
  EXPECT_EQ(at::get_num_threads(), 3);
  std::atomic<int> flushed = 0;
  at::parallel_for(0, 3, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      volatile float smallest = std::numeric_limits<float>::min();
      if (smallest / 2 == 0) ++flushed;
    }
  });
  EXPECT_EQ(flushed, 3);
}

TEST(Compute, AutoIsTf32WhereTheGpuHasIt) {
  const auto gpu = [](int major) {
    Device device;
    device.cuda = true;
    device.gpu.major = major;
    return device;
  };
  EXPECT_EQ(precision_on(Device(), Precision::kAuto), Precision::kFp32);
  EXPECT_EQ(precision_on(gpu(7), Precision::kAuto), Precision::kFp32);
  EXPECT_EQ(precision_on(gpu(8), Precision::kAuto), Precision::kTf32);
  EXPECT_EQ(precision_on(gpu(9), Precision::kFp32), Precision::kFp32);
  EXPECT_EQ(precision_on(Device(), Precision::kBf16), Precision::kBf16);
}

TEST(Compute, ThreadsAreTheSettingsOrTheEnvironmentsOrTheShare) {
  Session session;
  session.connect({}, DeviceName::kCpu, "");
  setenv("OMP_NUM_THREADS", "5,2", 1);
  prepare_compute(session, 3);
  EXPECT_EQ(at::get_num_threads(), 3);
  prepare_compute(session, std::nullopt);
  EXPECT_EQ(at::get_num_threads(), 5);
  for (const char* const wrong : {"0", "-1", "two", "3x", "99999999999", ""}) {
    setenv("OMP_NUM_THREADS", wrong, 1);
    prepare_compute(session, std::nullopt);
    EXPECT_EQ(at::get_num_threads(), session.threads()) << wrong;
  }
  unsetenv("OMP_NUM_THREADS");
}

}  // namespace
}  // namespace charrnn
