#include "test_device/pytorch_step.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "test_device/test_device.h"

namespace charrnn {
namespace {

TEST(PytorchStep, LearnsOnTheDeviceAsOnTheCpu) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh}) {
    const PytorchShape shape{cell, /*vocabulary=*/11, /*embedding=*/5, /*hidden=*/7, /*layers=*/2};
    const auto losses = [&](at::Device device) {
      PytorchStep step(shape, device, /*lanes=*/3);
      const at::Tensor ids = at::arange(4 * 3).remainder(11).view({4, 3}).to(device);
      std::vector<float> list;
      for (int i = 0; i < 25; ++i) list.push_back(step.run(ids, (ids + 1).remainder(11)).item<float>());
      return list;
    };
    const std::vector<float> expected = losses(at::kCPU);
    const std::vector<float> found = losses(test_device());
    EXPECT_LT(expected.back(), expected.front());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << "step " << i;
  }
}

TEST(PytorchStep, HasTheseOperations) {
  PytorchStep step({Cell::kLstm, 11, 5, 7, 1, /*dropout=*/0.5}, test_device(), 3);
  const at::Tensor ids = at::arange(4 * 3).remainder(11).view({4, 3}).to(test_device());
  step.run(ids, ids);
  reset_counts();
  step.run(ids, ids);
  const std::map<std::string, int64_t> expected = {
      // forward: embedding, layer, dropout, head, loss
      {"index_select", 1},
      {"_cudnn_rnn", 1},
      {"native_dropout", 1},
      {"addmm", 1},
      {"_log_softmax", 1},
      {"nll_loss_forward", 1},
      // backward: the gradient of the loss is 1; two products and a sum over rows for the head
      {"fill_", 1},
      {"nll_loss_backward", 1},
      {"_log_softmax_backward_data", 1},
      {"mm", 2},
      {"sum", 1},
      {"native_dropout_backward", 1},
      {"_cudnn_rnn_backward", 1},
      {"embedding_dense_backward", 1},
      // clip_grad_norm_; a stack is a cat
      {"_foreach_norm", 1},
      {"cat", 1},
      {"linalg_vector_norm", 1},
      {"add", 1},
      {"reciprocal", 1},
      {"mul", 1},
      {"clamp_max", 1},
      {"_foreach_mul_", 1},
      // AdamW
      {"_foreach_add_", 1},
      {"_fused_adamw_", 1}};
  EXPECT_EQ(counts().by_name, expected) << counts_text();
  EXPECT_EQ(counts().operations, 25);
  EXPECT_EQ(counts().synchronizations, 0);
}

}  // namespace
}  // namespace charrnn
