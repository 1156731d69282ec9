// The first numbers of a process equal all later ones, however its threads are scheduled. This program
// replaces oneMKL's detection of the processor, so that its race (model/cpu/vector_math.h) would occur every
// time: the first thread that calls it stays in the window until another one calls it too, or for 300 ms; a
// thread that calls it meanwhile receives the raw number. Each test needs its own process.
#include "charrnn/model/cpu/vector_math.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>

#include "charrnn/model/char_rnn.h"
#include "charrnn/model/loss.h"

namespace {

enum State { kNobody, kInWindow, kDone };
std::atomic<int> state{kNobody};
std::atomic<int> threads_in_window{0};  // not counting the first

int call(void* handle, const char* name) {
  return reinterpret_cast<int (*)()>(dlsym(handle, name))();
}

}  // namespace

extern "C" int mkl_vml_serv_cpu_detect() {
  int nobody = kNobody;
  if (state.compare_exchange_strong(nobody, kInWindow)) {
    for (int i = 0; i < 300 && threads_in_window == 0; ++i) usleep(1000);
    const int type = call(RTLD_NEXT, "mkl_vml_serv_cpu_detect");
    state = kDone;
    return type;
  }
  if (state == kInWindow) {
    ++threads_in_window;
    return call(RTLD_DEFAULT, "mkl_serv_vml_cpu_detect");  // what the variable holds at first
  }
  return call(RTLD_NEXT, "mkl_vml_serv_cpu_detect");
}

namespace charrnn {
namespace {

// The gradient of the weights of a head of 67 characters over 800 positions: enough work for two threads.
at::Tensor gradient() {
  const at::Tensor x = at::arange(800 * 16).remainder(7).sub(3).div(4).reshape({800, 16});
  const at::Tensor weight =
      at::arange(67 * 16).remainder(11).sub(5).div(8).reshape({67, 16}).requires_grad_();
  const at::Tensor bias = at::zeros({67}).requires_grad_();
  linear_cross_entropy_sum(x, weight, bias, at::arange(800).remainder(67)).backward();
  return weight.grad();
}

void expect_one_thread() {
  if (state == kNobody) GTEST_SKIP() << "this LibTorch does not use oneMKL's vector maths";
  EXPECT_EQ(threads_in_window, 0);
}

TEST(VectorMath, FirstLossOfAProcess) {
  at::set_num_threads(2);
  const at::Tensor first = gradient();
  const at::Tensor second = gradient();
  EXPECT_TRUE(at::equal(first, second)) << (first - second).abs().max();
  expect_one_thread();
}

TEST(VectorMath, AModelIsEnough) {
  at::set_num_threads(2);
  const CharRnn model({}, 11);
  const at::Tensor numbers = at::linspace(-3, 3, 1 << 16);
  EXPECT_TRUE(at::equal(numbers.exp(), numbers.exp()));
  expect_one_thread();
}

}  // namespace
}  // namespace charrnn
