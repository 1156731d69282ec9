#include "test_device/test_device.h"
#include "test_device/message_of.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <csignal>
#include <functional>

namespace charrnn {
namespace {

using testing::HasSubstr;

at::Tensor numbers(at::IntArrayRef sizes, double shift = 0, at::ScalarType type = at::kFloat) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return at::sin(at::arange(count, at::TensorOptions().dtype(at::kDouble)) * 1.7 + shift)
      .view(sizes)
      .to(type);
}

at::Tensor on_device(const at::Tensor& tensor) {
  return tensor.to(test_device());
}

bool is_identical(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         at::equal(a.to(at::kCPU), b.to(at::kCPU));
}

using Compute = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

// Expects the same results from tensors of the CPU and of the device, and the same changes of the arguments.
void expect_like_cpu(const char* what, const std::vector<at::Tensor>& arguments, const Compute& compute) {
  SCOPED_TRACE(what);
  std::vector<at::Tensor> on_cpu;
  std::vector<at::Tensor> moved;
  for (const at::Tensor& argument : arguments) {
    on_cpu.push_back(argument.clone());
    moved.push_back(on_device(argument));
  }
  const std::vector<at::Tensor> expected = compute(on_cpu);
  const std::vector<at::Tensor> found = compute(moved);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found[i].device(), test_device());
    EXPECT_TRUE(is_identical(found[i], expected[i])) << "result " << i << ":\n"
                                                     << found[i].to(at::kCPU) << "\nexpected:\n"
                                                     << expected[i];
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    EXPECT_TRUE(is_identical(moved[i], on_cpu[i])) << "argument " << i;
  }
}

// The first test, while there are no threads.
TEST(TestDeviceDeathTest, AHostThatFollowsADevicePointerDies) {
  const at::Tensor tensor = at::zeros({3}, at::TensorOptions().device(test_device()));
  const auto touch = [&](bool write) {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer has its own handler
    volatile float* first = tensor.mutable_data_ptr<float>();
    if (write) *first = 1;
    static_cast<void>(*first);
  };
  EXPECT_EXIT(touch(false), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(touch(true), testing::KilledBySignal(SIGSEGV), "");
}

TEST(TestDeviceDeathTest, FreedMemoryIsProtectedToo) {
  volatile float* first = at::zeros({3}, at::TensorOptions().device(test_device())).mutable_data_ptr<float>();
  const auto touch = [&] {
    std::signal(SIGSEGV, SIG_DFL);
    static_cast<void>(*first);
  };
  EXPECT_EXIT(touch(), testing::KilledBySignal(SIGSEGV), "");
}

TEST(TestDevice, IsTheAcceleratorOfTheProgram) {
  EXPECT_EQ(at::getAccelerator(), at::kPrivateUse1);
  EXPECT_EQ(test_device().str(), "test_device:0");
  const at::Tensor tensor = on_device(numbers({2, 3}));
  EXPECT_EQ(tensor.device(), test_device());
  EXPECT_FALSE(tensor.is_cpu());
  EXPECT_FALSE(tensor.is_cuda());
}

TEST(TestDevice, ComputesAsTheCpuDoes) {
  const at::Tensor a = numbers({3, 4});
  const at::Tensor b = numbers({3, 4}, 0.5);
  const at::Tensor row = numbers({4}, 0.7);
  const at::Tensor ids = at::arange(6).remainder(3).view({2, 3});
  expect_like_cpu("sums and products", {a, b, row}, [](const auto& t) {
    return std::vector{t[0] + t[1], t[0] * t[2], t[0] - 3, 2 / t[1], at::addcmul(t[0], t[1], t[2], -0.5)};
  });
  expect_like_cpu("matrices", {a, b, row}, [](const auto& t) {
    return std::vector{at::mm(t[0], t[1].t()), at::linear(t[0].unsqueeze(0), t[1], t[1].select(1, 0)),
                       at::matmul(t[0], t[2]), at::bmm(t[0].unsqueeze(0), t[1].t().unsqueeze(0))};
  });
  expect_like_cpu("reductions", {a}, [](const auto& t) {
    return std::vector{t[0].sum(),
                       t[0].mean(1),
                       t[0].argmax(1),
                       std::get<0>(t[0].max(0)),
                       at::linalg_vector_norm(t[0]),
                       t[0].isfinite().all(),
                       t[0].cumsum(1)};
  });
  expect_like_cpu("functions", {a}, [](const auto& t) {
    return std::vector{t[0].sigmoid(),      t[0].tanh(),         t[0].exp(),
                       t[0].abs().sqrt(),   t[0].clamp_max(0.2), at::log_softmax(t[0], 1),
                       at::softmax(t[0], 1)};
  });
  expect_like_cpu("choices", {a, b}, [](const auto& t) {
    return std::vector{at::where(t[0] > 0, t[0], t[1]), t[0].masked_fill(t[1] > 0, 7), t[0].eq(t[1]),
                       at::lerp(t[0], t[1], 0.25), t[0].sign().to(at::kLong).bitwise_and(3)};
  });
  expect_like_cpu("joins", {a, b}, [](const auto& t) {
    return std::vector{at::cat({t[0], t[1]}, 1), at::stack({t[0], t[1]}), t[0].repeat({2, 1}), t[0].flip(0)};
  });
  expect_like_cpu("ids", {a, ids}, [](const auto& t) {
    return std::vector{
        at::embedding(t[0], t[1]), at::one_hot(t[1], 3),     t[0].index_select(0, t[1].flatten()),
        t[0].index({t[1]}),        t[0].gather(1, t[1].t()), std::get<0>(t[0].sort(1))};
  });
  expect_like_cpu("factories", {a}, [](const auto& t) {
    return std::vector{at::arange(5, t[0].options()), at::full({2, 2}, 3.5, t[0].options()),
                       at::ones_like(t[0]),           at::zeros({3}, t[0].options().dtype(at::kInt)),
                       at::eye(3, t[0].options()),    at::empty({0, 2}, t[0].options())};
  });
  expect_like_cpu("other types", {a.to(at::kHalf), b.to(at::kBFloat16)}, [](const auto& t) {
    return std::vector{t[0] + 1, t[1].mm(t[1].t()), t[0].to(at::kFloat), t[1].to(at::kDouble).sum()};
  });
}

TEST(TestDevice, ChangesItsArgumentsAsTheCpuDoes) {
  const at::Tensor a = numbers({3, 4});
  const at::Tensor b = numbers({3, 4}, 0.5);
  expect_like_cpu("in place", {a, b}, [](const auto& t) {
    at::Tensor x = t[0];
    x.add_(t[1]).mul_(2).tanh_();
    x.lerp_(t[1], at::full({}, 0.25, x.options()));
    x.masked_fill_(t[1] > 0.9, -1).copy_(x * 3);
    x.div_(at::full({}, 3.0));  // a scalar of the CPU
    return std::vector{x};
  });
  expect_like_cpu("in place, through views", {a, b}, [](const auto& t) {
    t[0].t().narrow(0, 1, 2).add_(t[1].narrow(1, 0, 2).t());
    t[0].select(0, 2).zero_();
    t[0].view({2, 6}).narrow(1, 2, 2).fill_(5);
    t[0].as_strided({2}, {5}, 1).mul_(10);
    return std::vector{t[0].flatten(), t[0].unsqueeze(1).expand({3, 2, 4}), t[0].unfold(1, 2, 1)};
  });
  expect_like_cpu("to out arguments", {a, b}, [](const auto& t) {
    at::Tensor fits = at::empty_like(t[0]);
    at::add_out(fits, t[0], t[1]);
    at::Tensor grows = at::empty({0}, t[0].options());
    at::mm_out(grows, t[0], t[1].t());
    at::Tensor joined = at::empty({0}, t[0].options());
    at::cat_out(joined, {t[0], t[1]}, 0);
    at::Tensor part = at::zeros({2, 3, 4}, t[0].options());
    at::Tensor whole = part.select(0, 1);
    at::mul_out(whole, t[0], t[1]);
    return std::vector{fits, grows, joined, part};
  });
  expect_like_cpu("of other sizes", {a}, [](const auto& t) {
    at::Tensor x = t[0].clone();
    x.resize_({2, 3});
    at::Tensor y = at::empty({0}, x.options());
    y.resize_({5}).fill_(1);
    at::Tensor z = at::empty({0}, x.options());
    z.set_(t[0].narrow(0, 1, 1));
    return std::vector{x, y, z};
  });
}

TEST(TestDevice, ForeachAndFusedOperatorsAreOneOperationEach) {
  const std::vector<at::Tensor> tensors = {numbers({3, 4}), numbers({5}, 0.5), numbers({2, 2}, 0.7)};
  expect_like_cpu("foreach", tensors, [](const auto& t) {
    at::_foreach_mul_(t, 3);
    at::_foreach_add_(t, t, 0.5);
    std::vector<at::Tensor> results = at::_foreach_norm(t);
    for (const at::Tensor& sum : at::_foreach_add(t, 1)) results.push_back(sum);
    return results;
  });
  const auto adam = [](const auto& t) {
    const std::vector<at::Tensor> values = {t[0].clone(), t[1].clone()};
    const std::vector<at::Tensor> gradients = {t[0] * 2, t[1] * 3};
    const std::vector<at::Tensor> first = {at::zeros_like(t[0]), at::zeros_like(t[1])};
    const std::vector<at::Tensor> second = {at::ones_like(t[0]), at::ones_like(t[1])};
    const at::Tensor step = at::ones({}, t[0].options());
    const std::optional<at::Tensor> none = at::zeros({}, t[0].options());
    at::_fused_adamw_(values, gradients, first, second, {}, {step, step.clone()}, 0.1, 0.9, 0.99, 0.01, 1e-8,
                      false, false, {}, none);
    at::_fused_adam_(values, gradients, first, second, {}, {step, step.clone()}, 0.1, 0.9, 0.99, 0.01, 1e-8,
                     false, false);
    at::_fused_sgd_(values, gradients, first, 0.1, 0.9, 0.1, 0.0, false, false, false);
    return std::vector{values[0], values[1], first[0], second[1]};
  };
  expect_like_cpu("fused optimizers", tensors, adam);
  expect_like_cpu("loss scale", tensors, [](const auto& t) {
    at::Tensor found_inf = at::zeros({1}, t[0].options());
    at::_amp_foreach_non_finite_check_and_unscale_(t, found_inf, at::full({1}, 0.5, t[0].options()));
    at::Tensor scale = at::full({1}, 4.0, t[0].options());
    at::Tensor growth = at::zeros({1}, t[0].options().dtype(at::kInt));
    at::_amp_update_scale_(scale, growth, found_inf, 2.0, 0.5, 1);
    return std::vector{found_inf, scale, growth};
  });

  std::vector<at::Tensor> moved;
  for (const at::Tensor& tensor : tensors) moved.push_back(on_device(tensor));
  reset_counts();
  at::_foreach_mul_(moved, 3);
  const std::vector<at::Tensor> norms = at::_foreach_norm(moved);
  EXPECT_EQ(norms.size(), 3U);
  EXPECT_EQ(counts().operations, 2) << counts_text();
  EXPECT_EQ(counts().by_name["_foreach_mul_"], 1);
}

TEST(TestDevice, GradientsAreTheCpus) {
  const at::Tensor ids = at::arange(6).remainder(5);
  const at::Tensor targets = at::arange(6).remainder(4);
  const std::vector<at::Tensor> arguments = {numbers({5, 3}), numbers({4, 3}, 0.5), numbers({4}, 0.7), ids,
                                             targets};
  expect_like_cpu("backward", arguments, [](const auto& t) {
    std::vector<at::Tensor> weights;
    for (size_t i = 0; i < 3; ++i) weights.push_back(t[i].detach().requires_grad_(true));
    const at::Tensor x = at::embedding(weights[0], t[3]);
    const at::Tensor logits = at::linear(x.tanh(), weights[1], weights[2]);
    const at::Tensor loss = at::cross_entropy_loss(logits, t[4]);
    loss.backward();
    return std::vector{loss.detach(), weights[0].grad(), weights[1].grad(), weights[2].grad()};
  });
}

TEST(TestDevice, DevicesDoNotMix) {
  const at::Tensor host = numbers({3, 4});
  const at::Tensor device = on_device(host);
  const char* expected = "Expected all tensors to be on the same device";
  EXPECT_THAT(message_of([&] { return device + host; }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { return host + device; }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { return at::mm(device, host.t()); }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { return at::cat({device, host}); }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { return at::embedding(device, at::arange(3)); }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { return host.clone().add_(device); }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { return at::zeros({}).add_(device.sum()); }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { at::_foreach_mul_({device}, at::ones({})); }), HasSubstr(expected));
  EXPECT_THAT(message_of([&] { return device.clone().normal_(0, 1, at::detail::createCPUGenerator()); }),
              HasSubstr("device type for generator"));
  EXPECT_EQ(message_of([&] { return device * at::full({}, 2.0F); }), "no error");
  EXPECT_EQ(message_of([&] { return at::full({}, 2.0F) * device; }), "no error");
}

TEST(TestDevice, CountsOperationsByName) {
  const at::Tensor a = on_device(numbers({3, 4}));
  const at::Tensor b = on_device(numbers({3, 4}, 0.5));
  reset_counts();
  const at::Tensor views = a.t().narrow(0, 1, 2).unsqueeze(0).flatten().view({-1});
  static_cast<void>(a.view({12}).select(0, 3).expand({2}));
  static_cast<void>(at::empty_like(a));
  EXPECT_EQ(counts().by_name["clone"] + counts().by_name["copy_"], 1) << counts_text();  // flatten of strides
  reset_counts();
  at::Tensor sum = a + b;
  sum.add_(1).mul_(b);
  const at::Tensor zeros = at::zeros({3}, a.options());
  const at::Tensor halves = a.to(at::kHalf);
  EXPECT_EQ(counts().by_name,
            (std::map<std::string, int64_t>{{"add", 2}, {"mul", 1}, {"zero_", 1}, {"copy_", 1}}));
  EXPECT_EQ(counts().operations, 5);
  EXPECT_EQ(counts().synchronizations, 0) << counts_text();
}

TEST(TestDevice, CountsWhatTheHostWaitsFor) {
  const at::Tensor a = on_device(numbers({3, 4}));
  const auto waits_of = [](const auto& call) {
    reset_counts();
    call();
    return counts().synchronizations;
  };
  EXPECT_EQ(waits_of([&] { return a.sum().item<float>(); }), 1);
  EXPECT_EQ(counts().copies_to_host, 1);
  EXPECT_EQ(waits_of([&] { return a.to(at::kCPU); }), 1);
  EXPECT_EQ(counts().unpinned_copies, 1);
  EXPECT_EQ(waits_of([&] { return at::nonzero(a > 0); }), 1);
  EXPECT_EQ(waits_of([&] { return a.index({a > 0}); }), 1);
  EXPECT_EQ(waits_of([&] { return a.masked_select(a > 0); }), 1);
  EXPECT_EQ(waits_of([&] { return at::equal(a, a); }), 1);
  EXPECT_EQ(waits_of([&] { return on_device(numbers({3})); }), 1);
  EXPECT_EQ(waits_of([&] { return numbers({3}).to(test_device(), at::kFloat, /*non_blocking=*/true); }), 1);
  EXPECT_EQ(counts().unpinned_copies, 1);
  EXPECT_EQ(counts().copies_to_device, 1);
  EXPECT_EQ(waits_of([&] { return at::where(a > 0, a, a * 2).isfinite(); }), 0);
  const c10::impl::VirtualGuardImpl guard(at::kPrivateUse1);
  EXPECT_EQ(waits_of([&] { guard.synchronizeDevice(0); }), 1);
  EXPECT_EQ(waits_of([&] { guard.getStream(test_device()).synchronize(); }), 1);
  c10::Event event(at::kPrivateUse1);
  EXPECT_EQ(waits_of([&] { event.record(guard.getStream(test_device())); }), 0);
  EXPECT_EQ(waits_of([&] { event.synchronize(); }), 1);
}

TEST(TestDevice, CopiesOfPinnedMemoryDoNotWait) {
  const auto pinned_floats = at::TensorOptions().pinned_memory(true);
  const at::Tensor source = at::empty({4}, pinned_floats);
  ASSERT_TRUE(source.is_pinned());
  ASSERT_TRUE(source.narrow(0, 1, 2).is_pinned());
  ASSERT_FALSE(at::empty({4}).is_pinned());
  ASSERT_TRUE(at::ones({2}).pin_memory().is_pinned());
  source.fill_(3);
  reset_counts();
  const at::Tensor device = source.to(test_device(), at::kFloat, /*non_blocking=*/true);
  const at::Tensor target = at::zeros({4}, pinned_floats);
  target.copy_(device, /*non_blocking=*/true);
  EXPECT_EQ(counts().synchronizations, 0);
  EXPECT_EQ(counts().unpinned_copies, 0);
  EXPECT_EQ(counts().copies_to_device, 1);
  EXPECT_EQ(counts().copies_to_host, 1);
  EXPECT_TRUE(target.isnan().all().item<bool>());  // not copied yet
  c10::Event event(at::kPrivateUse1);
  event.record(c10::impl::VirtualGuardImpl(at::kPrivateUse1).getStream(test_device()));
  const at::Tensor later = at::zeros({4}, pinned_floats);
  later.copy_(device, /*non_blocking=*/true);
  event.synchronize();
  EXPECT_TRUE(is_identical(target, at::full({4}, 3.0F)));
  EXPECT_TRUE(later.isnan().all().item<bool>());
  static_cast<void>(device.sum().item<float>());
  EXPECT_TRUE(is_identical(later, target));
}

TEST(TestDevice, NonBlockingResultsOnTheHostArePinned) {
  const at::Tensor device = on_device(numbers({4}));
  reset_counts();
  const at::Tensor host = device.to(at::kCPU, at::kFloat, /*non_blocking=*/true);
  EXPECT_TRUE(host.is_pinned());
  EXPECT_EQ(counts().synchronizations, 0);
  c10::impl::VirtualGuardImpl(at::kPrivateUse1).synchronizeDevice(0);
  EXPECT_TRUE(is_identical(host, numbers({4})));
}

TEST(TestDevice, PinnedMemoryStaysAsItIsUntilItsCopyIsDone) {
  const c10::impl::VirtualGuardImpl guard(at::kPrivateUse1);
  const at::Tensor source = at::zeros({4}, at::TensorOptions().pinned_memory(true));
  static_cast<void>(source.to(test_device(), at::kFloat, /*non_blocking=*/true));
  source.fill_(1);
  EXPECT_THAT(message_of([&] { guard.synchronizeDevice(0); }),
              HasSubstr("was written after a non-blocking copy"));
  static_cast<void>(source.to(test_device(), at::kFloat, /*non_blocking=*/true));
  guard.synchronizeDevice(0);
  source.fill_(2);
  EXPECT_EQ(message_of([&] { guard.synchronizeDevice(0); }), "no error");
}

TEST(TestDevice, MemoryIsCountedReturnedAndFilledWithNaN) {
  release_cached_memory();
  const DeviceMemory before = device_memory();
  EXPECT_EQ(before.cached, 0);
  reset_counts();
  {
    const auto options = at::TensorOptions().device(test_device());
    at::Tensor a = at::empty({1000}, options);
    const at::Tensor b = at::empty({500}, options);
    EXPECT_EQ(device_memory().live - before.live, 6000);
    EXPECT_TRUE(a.isnan().all().item<bool>());
    a.zero_();
    const void* address = a.const_data_ptr();
    a = at::Tensor();
    a = at::empty({1000}, options);
    EXPECT_EQ(a.const_data_ptr(), address);
    EXPECT_TRUE(a.isnan().all().item<bool>());
  }
  EXPECT_EQ(device_memory().live, before.live);
  EXPECT_GE(device_memory().peak - before.live, 6000);
  EXPECT_GE(device_memory().cached, 6000);
  release_cached_memory();
  EXPECT_EQ(device_memory().cached, 0);
}

TEST(TestDevice, TensorsOverItsMemoryAreItsOwn) {
  const at::Tensor whole = on_device(numbers({10}));
  auto* const part = whole.mutable_data_ptr<float>() + 2;
  const at::Tensor tensor = at::from_blob(
      part, {3, 2}, [whole](void*) {}, at::TensorOptions().device(test_device()));
  EXPECT_EQ(tensor.device(), test_device());
  tensor.add_(1);
  EXPECT_TRUE(
      is_identical(whole.narrow(0, 2, 6).view({3, 2}), numbers({10}).narrow(0, 2, 6).view({3, 2}) + 1));
  const at::Tensor beyond = at::from_blob(part, {9}, at::TensorOptions().device(test_device()));
  EXPECT_THAT(message_of([&] { beyond.add_(1); }), HasSubstr("are not within one live allocation"));
}

}  // namespace
}  // namespace charrnn
