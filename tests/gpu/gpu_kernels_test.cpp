// Results of a GPU compared with those of the CPU. Skipped without a GPU.
#include <ATen/Context.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "../gathered_gradients.h"
#include "../model/small_model.h"
#include "charrnn/comm/place/devices.h"
#include "charrnn/model/dropout_pass.h"
#include "charrnn/model/gpu/cudnn_layer.h"
#include "charrnn/model/gpu/gpu_kernels.h"
#include "charrnn/model/loss.h"
#include "charrnn/train/gradient_norm.h"
#include "charrnn/train/optimizer.h"

namespace charrnn {
namespace {

class GpuKernels : public testing::Test {
 protected:
  static void SetUpTestSuite() { gpus_ = find_gpus(); }
  void SetUp() override {
    if (!gpus_.usable()) GTEST_SKIP() << "no GPU: " << gpus_.missing;
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
  }
  static VisibleGpus gpus_;
};

VisibleGpus GpuKernels::gpus_;

CharRnn float_model(const ModelSettings& settings, at::Device device) {
  CharRnn model(settings, kV, at::kFloat, device);
  model.initialize(4);
  return model;
}

TEST_F(GpuKernels, FirstWeightsAreThoseOfTheCpu) {
  const CharRnn cpu = float_model(small_settings(), at::kCPU);
  const CharRnn gpu = float_model(small_settings(), at::kCUDA);
  EXPECT_TRUE(at::equal(cpu.parameters().values(), gpu.parameters().values().to(at::kCPU)));
}

TEST_F(GpuKernels, DropoutMasksAreThoseOfTheCpu) {
  const DropoutKey key{5, 17, 3};
  for (const int64_t layer : {0, 1}) {
    const DropoutPass pass{0.3, dropout_layer_key(key.seed, key.step, layer), key.first_lane};
    const auto mask = [&](at::Device device) {
      return dropout_mask({4, 6, 33}, pass, at::TensorOptions().dtype(at::kFloat).device(device));
    };
    const at::Tensor cpu = mask(at::kCPU);
    const at::Tensor gpu = mask(at::kCUDA);
    EXPECT_TRUE(at::equal(cpu, gpu.to(at::kCPU)));
  }
}

// With charrnn's own kernel, forward and backward, in both memory orders, with rows that fit its wide loads
// and rows that do not.
TEST_F(GpuKernels, DropoutIsTheCpusBitForBit) {
  EXPECT_EQ(kernels_missing(0), "");
  const DropoutKey key{5, 17, 3};
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf, at::kDouble}) {
    for (const int64_t units : {33, 64, 512}) {
      for (const bool is_time_major : {false, true}) {
        const auto some = [&](double shift) {
          const at::Tensor numbers = some_numbers({4, 6, units}, shift, type);
          return is_time_major ? numbers.transpose(0, 1).contiguous().transpose(0, 1) : numbers;
        };
        std::vector<at::Tensor> results;
        for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kCUDA)}) {
          at::Tensor input = some(0.4).to(device).requires_grad_(true);
          const at::Tensor output = dropout(input, 0.3, key, 1);
          output.backward(some(2.2).to(device));
          results.push_back(output.detach().to(at::kCPU));
          results.push_back(input.grad().to(at::kCPU));
        }
        EXPECT_TRUE(at::equal(results[0], results[2])) << type << units << is_time_major;
        EXPECT_TRUE(at::equal(results[1], results[3])) << type << units << is_time_major;
      }
    }
  }
}

// Otherwise LibTorch's layers would be used, which copy a layer's weights at each call.
TEST_F(GpuKernels, CudnnArrangesWeightsAsCharrnnDoes) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
      EXPECT_TRUE(cudnn_serves(cell, 128, 512, type, at::kCUDA)) << enum_name(cell) << type;
      EXPECT_TRUE(cudnn_serves(cell, 5, 7, type, at::kCUDA)) << enum_name(cell) << type;
    }
  }
}

// Rounding in T steps of two layers: a few 1e-7 for values of about 1; gradients are of sums of 6.
TEST_F(GpuKernels, ForwardAndBackwardAreThoseOfTheCpu) {
  for (const InputLayer input : {InputLayer::kEmbedding, InputLayer::kOneHot}) {
    ModelSettings settings = small_settings(input);
    settings.dropout = 0.25;
    std::vector<at::Tensor> results;
    for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kCUDA)}) {
      CharRnn model = float_model(settings, device);
      RnnState state = some_state(settings, kB, at::kFloat);
      state = {state.h.to(device), state.c.to(device)};
      const at::Tensor logits = model.forward(some_ids(kB, kT).to(device), state, DropoutKey{2, 9, 0});
      cross_entropy_sum(logits, some_ids(kB, kT, 1).to(device)).backward();
      for (const at::Tensor& tensor : {logits, state.h, state.c, gathered_gradients(model.parameters())}) {
        results.push_back(tensor.detach().to(at::kCPU));
      }
    }
    for (size_t i = 0; i < 4; ++i)
      EXPECT_LT(largest_difference(results[i], results[i + 4]), 1e-5) << "result " << i;
  }
}

TEST_F(GpuKernels, NormsAndUpdatesAreThoseOfTheCpu) {
  const c10::AutoGradMode no_grad(false);
  for (const OptimizerName name :
       {OptimizerName::kSgd, OptimizerName::kRmsprop, OptimizerName::kAdam, OptimizerName::kAdamW}) {
    OptimizerSettings settings;
    settings.name = name;
    settings.weight_decay = 0.01;
    if (name == OptimizerName::kSgd) settings.momentum = 0.9;
    std::vector<at::Tensor> results;
    std::vector<double> norms;
    for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kCUDA)}) {
      const at::Tensor values = some_numbers({100003}, 0.2, at::kFloat).to(device);
      Optimizer optimizer(settings, values);
      for (int64_t update = 1; update <= 5; ++update) {
        const at::Tensor gradients =
            some_numbers({100003}, static_cast<double>(update), at::kFloat).to(device);
        const at::Tensor norm = gradient_norm(gradients);
        norms.push_back(norm.item<double>());
        const at::Tensor is_applied = at::full({}, update != 3, values.options().dtype(at::kBool));
        optimizer.update(values, gradients, 0.01, clip_divisor(norm, 10.0), is_applied);
      }
      results.push_back(values.to(at::kCPU));
    }
    EXPECT_LT(largest_difference(results[0], results[1]), 1e-5) << enum_name(name);
    for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(norms[i], norms[i + 5], 1e-5 * norms[i]);
  }
}

}  // namespace
}  // namespace charrnn
