#include "train/compute.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>

namespace charrnn {
namespace {

TEST(Compute, DenormalsAreFlushedInEveryThread) {
  Session session;
  session.choose_backend({}, DeviceName::kCpu, "");
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

}  // namespace
}  // namespace charrnn
