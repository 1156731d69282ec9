#include "charrnn/train/optimizer.h"

#include <gtest/gtest.h>
#include <torch/optim.h>

#include <cmath>
#include <memory>
#include <vector>

namespace charrnn {
namespace {

constexpr size_t kWeights = 37;
constexpr int kUpdates = 50;

// The gradient of weight i at update t: with changing signs and very different sizes.
double gradient(size_t i, int t) {
  return std::sin(1.3 * static_cast<double>(i) + 0.7 * t) * std::pow(10.0, static_cast<double>(i % 5) - 3.0);
}

double start(size_t i) {
  return std::cos(2.1 * static_cast<double>(i));
}

double rate(int t) {
  return 0.01 / t;
}

// One weight in double, by the formulas of PyTorch's documentation of SGD, Adam and AdamW.
struct Plain {
  OptimizerSettings s;
  double w;
  double momentum = 0;
  double first = 0;
  double second = 0;
  double largest = 0;

  void update(double g, double learning_rate, int t) {
    if (s.name == OptimizerName::kAdamW) {
      w -= learning_rate * s.weight_decay * w;
    } else {
      g += s.weight_decay * w;
    }
    if (s.name == OptimizerName::kSgd) {
      momentum = t == 1 ? g : s.momentum * momentum + g;
      w -= learning_rate * (s.nesterov ? g + s.momentum * momentum : s.momentum > 0 ? momentum : g);
      return;
    }
    if (s.name == OptimizerName::kRmsprop) {
      second = s.alpha * second + (1 - s.alpha) * g * g;
      momentum = s.momentum * momentum + g / (std::sqrt(second) + s.epsilon);
      w -= learning_rate * momentum;
      return;
    }
    first = s.beta1 * first + (1 - s.beta1) * g;
    second = s.beta2 * second + (1 - s.beta2) * g * g;
    const double corrected_first = first / (1 - std::pow(s.beta1, t));
    largest = std::max(largest, second);
    const double corrected_second = (s.amsgrad ? largest : second) / (1 - std::pow(s.beta2, t));
    w -= learning_rate * corrected_first / (std::sqrt(corrected_second) + s.epsilon);
  }
};

struct Case {
  const char* name;
  OptimizerSettings settings;
};

class Optimizers : public testing::TestWithParam<Case> {};

// Weights of about 1 are rounded to 6e-8 in each of 50 updates, the updates themselves to less.
constexpr double kTolerance = 50 * 6e-8;

TEST_P(Optimizers, FiftyUpdatesEqualTheFormulas) {
  const OptimizerSettings& settings = GetParam().settings;
  const auto floats = at::TensorOptions().dtype(at::kFloat);
  at::Tensor values = at::empty({kWeights}, floats);
  at::Tensor gradients = at::empty({kWeights}, floats);
  auto* value = values.mutable_data_ptr<float>();
  auto* slope = gradients.mutable_data_ptr<float>();
  std::vector<Plain> plain;
  for (size_t i = 0; i < kWeights; ++i) {
    value[i] = static_cast<float>(start(i));
    plain.push_back({settings, static_cast<double>(value[i])});
  }
  Optimizer optimizer(settings, values);
  double moved = 0;
  for (int t = 1; t <= kUpdates; ++t) {
    for (size_t i = 0; i < kWeights; ++i) {
      slope[i] = static_cast<float>(gradient(i, t));
      plain[i].update(static_cast<double>(slope[i]), rate(t), t);
    }
    optimizer.update(values, gradients, rate(t));
    for (size_t i = 0; i < kWeights; ++i) {
      ASSERT_NEAR(static_cast<double>(value[i]), plain[i].w, kTolerance)
          << "weight " << i << ", update " << t;
      moved = std::max(moved, std::abs(plain[i].w - start(i)));
    }
  }
  EXPECT_GT(moved, 0.01) << "nothing was tested";
}

// Against PyTorch's own optimizers, from the same library.
std::unique_ptr<torch::optim::Optimizer> pytorchs(const OptimizerSettings& s, const at::Tensor& weights) {
  const std::vector<at::Tensor> all{weights};
  switch (s.name) {
    case OptimizerName::kSgd:
      return std::make_unique<torch::optim::SGD>(
          all,
          torch::optim::SGDOptions(1).momentum(s.momentum).weight_decay(s.weight_decay).nesterov(s.nesterov));
    case OptimizerName::kRmsprop:
      return std::make_unique<torch::optim::RMSprop>(all, torch::optim::RMSpropOptions(1)
                                                              .alpha(s.alpha)
                                                              .eps(s.epsilon)
                                                              .momentum(s.momentum)
                                                              .weight_decay(s.weight_decay));
    case OptimizerName::kAdam:
      return std::make_unique<torch::optim::Adam>(all, torch::optim::AdamOptions(1)
                                                           .betas({s.beta1, s.beta2})
                                                           .eps(s.epsilon)
                                                           .weight_decay(s.weight_decay)
                                                           .amsgrad(s.amsgrad));
    case OptimizerName::kAdamW:
      break;
  }
  return std::make_unique<torch::optim::AdamW>(all, torch::optim::AdamWOptions(1)
                                                        .betas({s.beta1, s.beta2})
                                                        .eps(s.epsilon)
                                                        .weight_decay(s.weight_decay)
                                                        .amsgrad(s.amsgrad));
}

TEST_P(Optimizers, FiftyUpdatesEqualPyTorchs) {
  const OptimizerSettings& settings = GetParam().settings;
  at::Tensor values = at::empty({kWeights});
  for (size_t i = 0; i < kWeights; ++i) values[static_cast<int64_t>(i)] = start(i);
  at::Tensor theirs = values.clone();
  theirs.requires_grad_(true);
  Optimizer optimizer(settings, values);
  const auto pytorch = pytorchs(settings, theirs);
  for (int t = 1; t <= kUpdates; ++t) {
    at::Tensor gradients = at::empty({kWeights});
    for (size_t i = 0; i < kWeights; ++i) gradients[static_cast<int64_t>(i)] = gradient(i, t);
    theirs.mutable_grad() = gradients.clone();
    pytorch->param_groups()[0].options().set_lr(rate(t));
    pytorch->step();
    optimizer.update(values, gradients, rate(t));
    ASSERT_LT((values - theirs.detach()).abs().max().item<double>(), kTolerance) << "update " << t;
  }
}

TEST_P(Optimizers, DividesGradientsAndSkipsAsIfTheStepHadNotBeen) {
  constexpr int64_t count = 100'003;  // several blocks
  const at::Tensor slopes = at::sin(at::arange(count) * 0.1);
  const at::Tensor start = at::cos(at::arange(count) * 0.3);
  at::Tensor plain = start.clone();
  at::Tensor divided = start.clone();
  Optimizer expected(GetParam().settings, plain);
  Optimizer found(GetParam().settings, divided);
  for (int t = 1; t <= 3; ++t) {
    expected.update(plain, slopes / t, 0.01);
    if (t == 2) {
      const at::Tensor no_number = at::full({count}, NAN);
      found.update(divided, no_number, 0.01, at::scalar_tensor(NAN), at::scalar_tensor(false, at::kBool));
    }
    found.update(divided, 8 * slopes, 0.01, at::scalar_tensor(8.0F * static_cast<float>(t)),
                 at::scalar_tensor(true, at::kBool));
  }
  EXPECT_TRUE(at::allclose(divided, plain, 1e-5, 1e-6));
  EXPECT_FALSE(at::allclose(plain, start, 1e-3, 1e-3)) << "nothing was tested";
}

OptimizerSettings named(OptimizerName name, double momentum, double weight_decay) {
  OptimizerSettings settings;
  settings.name = name;
  settings.momentum = momentum;
  settings.weight_decay = weight_decay;
  settings.alpha = 0.9;  // not the defaults
  settings.beta1 = 0.8;
  settings.beta2 = 0.97;
  settings.epsilon = 1e-4;
  return settings;
}

OptimizerSettings nesterov(OptimizerSettings settings) {
  settings.nesterov = true;
  return settings;
}

OptimizerSettings amsgrad(OptimizerSettings settings) {
  settings.amsgrad = true;
  return settings;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Optimizers,
                         testing::Values(Case{"sgd", named(OptimizerName::kSgd, 0, 0)},
                                         Case{"sgd_decay", named(OptimizerName::kSgd, 0, 0.3)},
                                         Case{"momentum", named(OptimizerName::kSgd, 0.9, 0)},
                                         Case{"momentum_decay", named(OptimizerName::kSgd, 0.9, 0.3)},
                                         Case{"nesterov", nesterov(named(OptimizerName::kSgd, 0.9, 0.3))},
                                         Case{"rmsprop", named(OptimizerName::kRmsprop, 0, 0)},
                                         Case{"rmsprop_decay", named(OptimizerName::kRmsprop, 0, 0.3)},
                                         Case{"rmsprop_momentum", named(OptimizerName::kRmsprop, 0.8, 0.3)},
                                         Case{"amsgrad", amsgrad(named(OptimizerName::kAdam, 0, 0.1))},
                                         Case{"adamw_amsgrad", amsgrad(named(OptimizerName::kAdamW, 0, 0.1))},
                                         Case{"adam", named(OptimizerName::kAdam, 0, 0)},
                                         Case{"adam_decay", named(OptimizerName::kAdam, 0, 0.3)},
                                         Case{"adamw", named(OptimizerName::kAdamW, 0, 0)},
                                         Case{"adamw_decay", named(OptimizerName::kAdamW, 0, 0.3)}),
                         [](const auto& kind) { return kind.param.name; });

TEST(Optimizer, MomentsHavePyTorchsNames) {
  const at::Tensor values = at::ones({5});
  const auto names = [&](OptimizerName name, double momentum) {
    std::vector<std::string> list;
    const OptimizerSettings settings = named(name, momentum, 0);
    const Optimizer optimizer(settings, values);
    for (const auto& [moment, tensor] : optimizer.moments()) {
      list.push_back(moment);
      EXPECT_EQ(tensor.sizes(), values.sizes());
      EXPECT_EQ(tensor.count_nonzero().item<int64_t>(), 0);
    }
    EXPECT_EQ(list.size(), static_cast<size_t>(Optimizer::moments_per_weight(settings)));
    return list;
  };
  EXPECT_EQ(names(OptimizerName::kSgd, 0), (std::vector<std::string>{}));
  EXPECT_EQ(names(OptimizerName::kSgd, 0.9), (std::vector<std::string>{"momentum_buffer"}));
  EXPECT_EQ(names(OptimizerName::kRmsprop, 0), (std::vector<std::string>{"square_avg"}));
  EXPECT_EQ(names(OptimizerName::kRmsprop, 0.5), (std::vector<std::string>{"momentum_buffer", "square_avg"}));
  EXPECT_EQ(names(OptimizerName::kAdam, 0), (std::vector<std::string>{"exp_avg", "exp_avg_sq"}));
  EXPECT_EQ(names(OptimizerName::kAdamW, 0), (std::vector<std::string>{"exp_avg", "exp_avg_sq"}));
}

}  // namespace
}  // namespace charrnn
