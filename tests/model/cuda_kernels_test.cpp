// charrnn's GPU kernels, tested without a GPU: their source is compiled for the host and run thread by
// thread, and compiled by NVRTC for current GPUs.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include "charrnn/core/counter_random.h"
#include "charrnn/core/error.h"
#include "charrnn/core/module.h"
#include "charrnn/model/dropout.h"
#include "charrnn/model/gpu/kernel_module.h"

namespace charrnn {
namespace {

namespace kernels_of_the_host {

struct Place {
  unsigned x = 0;
};
thread_local Place blockIdx;
thread_local Place blockDim;
thread_local Place threadIdx;

inline float __uint_as_float(unsigned bits) {
  return std::bit_cast<float>(bits);
}
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}

#define __device__
#define __global__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"  // _Float16
#include "charrnn/model/gpu/dropout.cu"
#pragma GCC diagnostic pop
#undef __device__
#undef __global__

// Runs every thread of a launch, one after the other; there are more threads than work, as on a GPU.
template <class Kernel, class... Arguments>
void launch(const Kernel& kernel, uint64_t threads, Arguments... arguments) {
  blockDim.x = 32;
  for (unsigned block = 0; block <= threads / blockDim.x; ++block) {
    for (unsigned thread = 0; thread < blockDim.x; ++thread) {
      blockIdx.x = block;
      threadIdx.x = thread;
      kernel(arguments...);
    }
  }
}

}  // namespace kernels_of_the_host

constexpr double kProbability = 0.3;
constexpr DropoutKey kKey{.seed = 9, .step = 40, .first_lane = 6};
constexpr int64_t kLayer = 1;

// (lanes, steps, units), in memory in this order or as (steps, lanes, units).
at::Tensor some_input(at::ScalarType type, int64_t units, bool is_time_major) {
  const int64_t lanes = 5;
  const int64_t steps = 3;
  const at::Tensor numbers =
      at::sin(at::arange(lanes * steps * units, at::TensorOptions().dtype(at::kDouble)) * 1.7)
          .mul(3)
          .to(type);
  return is_time_major ? numbers.view({steps, lanes, units}).transpose(0, 1)
                       : numbers.view({lanes, steps, units});
}

template <class Element, class Kernel>
void expect_same(const Kernel& kernel, at::ScalarType type, int64_t units, int64_t width) {
  for (const bool is_time_major : {false, true}) {
    const at::Tensor input = some_input(type, units, is_time_major);
    const at::Tensor expected = dropout(input, kProbability, kKey, kLayer);
    const at::Tensor output = at::full_like(input, 77);
    // What gpu/dropout_cuda.cpp passes to the kernel: the key is that of seed, step and layer.
    const auto rows = static_cast<unsigned>(input.size(0) * input.size(1));
    const auto key = static_cast<unsigned>(random_bits(
        kKey.seed, Draw::kDropout, {static_cast<uint64_t>(kKey.step), static_cast<uint64_t>(kLayer)}));
    kernels_of_the_host::launch(
        kernel, rows * static_cast<uint64_t>(units / width),
        static_cast<const Element*>(input.const_data_ptr()), static_cast<Element*>(output.mutable_data_ptr()),
        rows, static_cast<unsigned>(units), static_cast<unsigned>(input.size(is_time_major ? 0 : 1)),
        is_time_major ? 1u : 0u, static_cast<unsigned>(kKey.first_lane), key,
        static_cast<unsigned>(std::ldexp(kProbability, 32)), static_cast<float>(1 / (1 - kProbability)));
    EXPECT_TRUE(at::equal(output, expected)) << type << ", " << units << " units, " << is_time_major;
    EXPECT_GT(output.eq(0).sum().item<int64_t>(), 0);
  }
}

TEST(DropoutKernel, GivesTheBitsOfTheCpu) {
  namespace k = kernels_of_the_host;
  expect_same<float>(k::dropout_fp32_wide, at::kFloat, 24, 4);
  expect_same<float>(k::dropout_fp32, at::kFloat, 7, 1);
  expect_same<k::Bf16>(k::dropout_bf16_wide, at::kBFloat16, 24, 8);
  expect_same<k::Bf16>(k::dropout_bf16, at::kBFloat16, 7, 1);
  expect_same<k::Fp16>(k::dropout_fp16_wide, at::kHalf, 24, 8);
  expect_same<k::Fp16>(k::dropout_fp16, at::kHalf, 7, 1);
}

TEST(DropoutKernel, RoundsAsTheCpuDoes) {
  namespace k = kernels_of_the_host;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 65'521) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    k::Bf16 rounded{};
    k::round_to(x, rounded);
    ASSERT_EQ(rounded.bits, at::BFloat16(x).x) << std::hex << bits;
  }
}

// Needs NVRTC, which launch/install.sh installs with --gpu or --tests.
TEST(Kernels, CompileForTheGpusOfToday) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's dlopen does not see the program's RUNPATH";
#endif
  const auto compile = module_function<CompileKernelsFunction>(kKernelModule, kCompileKernels);
  try {
    for (const int architecture : {75, 80, 90, 100, 199}) {  // the last is unknown: PTX
      EXPECT_GT(compile(architecture), 1000u) << architecture;
    }
  } catch (const Error& error) {
    if (std::string(error.what()).find("which compiles charrnn's GPU kernels") == std::string::npos) throw;
    GTEST_SKIP() << error.what();
  }
  EXPECT_THROW(compile(10), Error);
}

}  // namespace
}  // namespace charrnn
