// at::_cudnn_rnn and related operators on the device for tests, compared with LibTorch's layers on the CPU.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "test_device/message_of.h"
#include "test_device/test_device.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

constexpr int64_t kT = 3;
constexpr int64_t kB = 2;
constexpr int64_t kE = 5;
constexpr int64_t kH = 7;
constexpr int64_t kLstm = 2;

at::Tensor numbers(at::IntArrayRef sizes, double shift, at::ScalarType type) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return at::sin(at::arange(count, at::TensorOptions().dtype(at::kDouble)) * 1.7 + shift)
      .view(sizes)
      .to(type);
}

// The arguments of one layer, and the calls that charrnn makes.
struct Layer {
  explicit Layer(int64_t with_mode, at::ScalarType type = at::kFloat, at::Device device = test_device())
      : mode(with_mode) {
    const int64_t rows = (mode == kLstm ? 4 : mode == 3 ? 3 : 1) * kH;
    const std::vector<std::vector<int64_t>> shapes = {{rows, kE}, {rows, kH}, {rows}, {rows}};
    packed = (numbers({rows * (kE + kH + 2)}, 0.1, type) * 0.5).to(device);
    int64_t offset = 0;
    for (const auto& sizes : shapes) {
      int64_t count = 1;
      for (const int64_t size : sizes) count *= size;
      weights.push_back(packed.narrow(0, offset, count).view(sizes));
      offset += count;
    }
    input = numbers({kT, kB, kE}, 0.2, type).to(device);
    h = numbers({1, kB, kH}, 0.3, type).to(device);
    if (mode == kLstm) c = numbers({1, kB, kH}, 0.4, type).to(device);
  }

  auto forward(bool training = true) const {
    return at::_cudnn_rnn(input, weights, 4, packed, h, c, mode, kH, 0, 1, false, 0.0, training, false,
                          at::IntArrayRef(), std::nullopt);
  }
  auto backward(const at::Tensor& output, const at::Tensor& reserve, const at::Tensor& of_output,
                bool training = true) const {
    return at::_cudnn_rnn_backward(
        input, weights, 4, packed, h, c, output, of_output, std::nullopt, std::nullopt, mode, kH, 0, 1, false,
        0.0, training, false, at::IntArrayRef(), std::nullopt, reserve, {true, true, mode == kLstm, true});
  }

  int64_t mode;
  at::Tensor packed;
  std::vector<at::Tensor> weights;
  at::Tensor input;
  at::Tensor h;
  std::optional<at::Tensor> c;
};

using PlainLayer = std::tuple<at::Tensor, at::Tensor> (*)(const at::Tensor&, const at::Tensor&,
                                                          at::TensorList, bool, int64_t, double, bool, bool,
                                                          bool);
PlainLayer plain_layer(int64_t mode) {
  if (mode == 3) return at::gru;
  if (mode == 1) return at::rnn_tanh;
  return at::rnn_relu;
}

// Output, last state, and the gradients of all arguments, from LibTorch's layer.
std::vector<at::Tensor> by_layer(const Layer& layer, const at::Tensor& of_output) {
  std::vector<at::Tensor> from{layer.input, layer.h};
  if (layer.c) from.push_back(*layer.c);
  for (const at::Tensor& weight : layer.weights) from.push_back(weight);
  for (at::Tensor& tensor : from) tensor = tensor.detach().clone().requires_grad_(true);
  const std::vector<at::Tensor> weights(from.end() - 4, from.end());
  std::vector<at::Tensor> results;
  if (layer.mode == kLstm) {
    const auto [y, h, c] = at::lstm(from[0], {from[1], from[2]}, weights, true, 1, 0.0, true, false, false);
    results = {y, h, c};
  } else {
    const auto [y, h] = plain_layer(layer.mode)(from[0], from[1], weights, true, 1, 0.0, true, false, false);
    results = {y, h};
  }
  const std::vector<at::Tensor> gradients = torch::autograd::grad({results[0]}, from, {of_output});
  for (at::Tensor& result : results) result = result.detach();
  results.insert(results.end(), gradients.begin(), gradients.end());
  return results;
}

class CudnnTest : public testing::TestWithParam<std::tuple<int64_t, at::ScalarType>> {};
INSTANTIATE_TEST_SUITE_P(ModesAndTypes, CudnnTest,
                         testing::Combine(testing::Values(0, 1, 2, 3),
                                          testing::Values(at::kFloat, at::kBFloat16, at::kHalf)));

TEST_P(CudnnTest, IsOneOperationEachWithTheCpusResults) {
  const auto [mode, type] = GetParam();
  const at::Tensor of_output = numbers({kT, kB, kH}, 0.9, type);
  const std::vector<at::Tensor> expected = by_layer(Layer(mode, type, at::kCPU), of_output);

  const Layer layer(mode, type);
  const at::Tensor of_output_there = of_output.to(test_device());
  reset_counts();
  const auto [y, h, c, reserve, packed] = layer.forward();
  const auto [of_input, of_h, of_c, of_weights] = layer.backward(y, reserve, of_output_there);
  EXPECT_EQ(counts().by_name,
            (std::map<std::string, int64_t>{{"_cudnn_rnn", 1}, {"_cudnn_rnn_backward", 1}}));
  EXPECT_EQ(counts().synchronizations, 0);
  EXPECT_TRUE(packed.is_same(layer.packed));
  if (mode != kLstm) {
    EXPECT_EQ(c.numel(), 0);
    EXPECT_FALSE(of_c.defined());
  }
  std::vector<at::Tensor> found{y, h};
  if (mode == kLstm) found.push_back(c);
  found.push_back(of_input);
  found.push_back(of_h);
  if (mode == kLstm) found.push_back(of_c);
  found.insert(found.end(), of_weights.begin(), of_weights.end());
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].device(), test_device());
    EXPECT_TRUE(at::equal(found[i].to(at::kCPU), expected[i])) << "tensor " << i << ":\n"
                                                               << found[i].to(at::kCPU) << "\nexpected:\n"
                                                               << expected[i];
  }
}

TEST_P(CudnnTest, LayersOfTheDeviceAreCudnns) {
  const auto [mode, type] = GetParam();
  const at::Tensor of_output = numbers({kT, kB, kH}, 0.9, type);
  const std::vector<at::Tensor> expected = by_layer(Layer(mode, type, at::kCPU), of_output);
  const Layer layer(mode, type);
  testing::internal::CaptureStderr();  // a warning: the weights of by_layer are not in one buffer
  reset_counts();
  const std::vector<at::Tensor> found = by_layer(layer, of_output.to(test_device()));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("not part of single contiguous chunk of memory"));
  EXPECT_EQ(counts().by_name["_cudnn_rnn"], 1);
  EXPECT_EQ(counts().by_name["_cudnn_rnn_backward"], 1);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(at::equal(found[i].to(at::kCPU), expected[i])) << i;
}

TEST(Cudnn, ChecksItsArguments) {
  const auto error_with = [](const auto& change) {
    Layer layer(kLstm);
    change(layer);
    return message_of([&] { layer.forward(); });
  };
  EXPECT_EQ(error_with([](Layer&) {}), "no error");
  EXPECT_THAT(error_with([](Layer& l) { l.input = l.input.to(at::kHalf); }),
              HasSubstr("tensors are not the same dtype, found input tensor with Half"));
  EXPECT_THAT(error_with([](Layer& l) { l.packed = l.packed.to(at::kHalf); }),
              HasSubstr("Input and parameter tensors are not the same dtype"));
  EXPECT_THAT(error_with([](Layer& l) { l.weights[2] = l.weights[2].to(at::kCPU); }),
              HasSubstr("Input and parameter tensors are not at the same device"));
  EXPECT_THAT(error_with([](Layer& l) { l.h = l.h.transpose(1, 2).contiguous().transpose(1, 2); }),
              HasSubstr("hx is not contiguous"));
  EXPECT_THAT(error_with([](Layer& l) { l.c = l.c->transpose(1, 2).contiguous().transpose(1, 2); }),
              HasSubstr("cx is not contiguous"));
  EXPECT_THAT(error_with([](Layer& l) { l.h = l.h.narrow(1, 0, 1).contiguous(); }),
              HasSubstr("Expected hidden size"));
  EXPECT_THAT(error_with([](Layer& l) {
                l.packed = at::cat({l.packed, l.packed});
              }),
              HasSubstr("expected a contiguous weight_buf of 392 elements"));
  EXPECT_THAT(error_with([](Layer& l) { l.packed = l.packed.roll(1); }),
              HasSubstr("weight 0 differs from the one in weight_buf"));
  EXPECT_THAT(error_with([](Layer& l) { std::swap(l.weights[2], l.weights[3]); }),
              HasSubstr("weight 2 differs"));
  EXPECT_THAT(error_with([](Layer& l) { l.mode = 1; }), HasSubstr("illegal defined cx for non-LSTM RNN"));
}

TEST(Cudnn, CopiesWhatIsNotContiguous) {
  Layer layer(kLstm);
  const at::Tensor of_output = at::ones({1}, layer.input.options()).expand({kT, kB, kH});
  const auto expected = layer.forward();
  layer.input = layer.input.transpose(0, 1).contiguous().transpose(0, 1);
  reset_counts();
  const auto result = layer.forward();
  EXPECT_EQ(counts().by_name, (std::map<std::string, int64_t>{{"copy_", 1}, {"_cudnn_rnn", 1}}));
  EXPECT_TRUE(at::equal(std::get<0>(result), std::get<0>(expected)));
  reset_counts();
  layer.backward(std::get<0>(result), std::get<3>(result), of_output);
  EXPECT_EQ(counts().by_name, (std::map<std::string, int64_t>{{"copy_", 2}, {"_cudnn_rnn_backward", 1}}));
}

// As in LibTorch on the CPU, the result of a batch-first call is time-major in memory.
TEST(Cudnn, TakesBatchFirst) {
  const Layer layer(kLstm);
  const auto expected = layer.forward();
  const auto found =
      at::_cudnn_rnn(layer.input.transpose(0, 1), layer.weights, 4, layer.packed, layer.h, layer.c, kLstm, kH,
                     0, 1, /*batch_first=*/true, 0.0, true, false, at::IntArrayRef(), std::nullopt);
  EXPECT_TRUE(at::equal(std::get<0>(found).transpose(0, 1), std::get<0>(expected)));
  EXPECT_TRUE(std::get<0>(found).transpose(0, 1).is_contiguous());
  EXPECT_TRUE(at::equal(std::get<2>(found), std::get<2>(expected)));
}

TEST(Cudnn, BackwardNeedsTheForwardPassItBelongsTo) {
  Layer layer(kLstm);
  const at::Tensor of_output = at::ones({kT, kB, kH}, layer.input.options());
  const auto in_training = layer.forward();
  const at::Tensor& y = std::get<0>(in_training);
  const at::Tensor& reserve = std::get<3>(in_training);
  EXPECT_EQ(message_of([&] { layer.backward(y, reserve, of_output); }), "no error");
  EXPECT_THAT(message_of([&] { layer.backward(y, reserve, of_output, /*training=*/false); }),
              HasSubstr("can only be called in training mode"));
  EXPECT_THAT(message_of([&] { layer.backward(y, std::get<3>(layer.forward(false)), of_output); }),
              HasSubstr("expected the reserve of a forward pass in training mode"));
  EXPECT_THAT(message_of([&] { layer.backward(y * 2, reserve, of_output); }),
              HasSubstr("output are not those of the forward pass"));
  layer.packed.mul_(2);
  EXPECT_THAT(message_of([&] { layer.backward(y, reserve, of_output); }),
              HasSubstr("not those of the forward pass"));
}

TEST(Cudnn, WeightsInSeparateBuffersAreCopiedWithAWarning) {
  Layer layer(kLstm);
  const at::Tensor expected = std::get<0>(layer.forward());
  testing::internal::CaptureStderr();
  reset_counts();
  const auto result = at::_cudnn_rnn(layer.input, layer.weights, 4, std::nullopt, layer.h, layer.c, kLstm, kH,
                                     0, 1, false, 0.0, true, false, at::IntArrayRef(), std::nullopt);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("not part of single contiguous chunk of memory"));
  EXPECT_TRUE(at::equal(std::get<0>(result), expected));
  EXPECT_EQ(counts().by_name["copy_"], 4);
  EXPECT_EQ(counts().by_name["zero_"], 1);
}

TEST(Cudnn, PacksWeightsInItsOrder) {
  Layer layer(kLstm);
  std::vector<at::Tensor> apart;
  for (const at::Tensor& weight : layer.weights) apart.push_back(weight.clone());
  const at::Tensor packed = at::_cudnn_rnn_flatten_weight(apart, 4, kE, kLstm, kH, 0, 1, false, false);
  EXPECT_TRUE(at::equal(packed, layer.packed));
  for (size_t i = 0; i < apart.size(); ++i) {
    EXPECT_TRUE(apart[i].storage().is_alias_of(packed.storage()));
    EXPECT_TRUE(at::equal(apart[i], layer.weights[i]));
  }
}

}  // namespace
}  // namespace charrnn
