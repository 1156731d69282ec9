#include "charrnn/evaluate/evaluator.h"

#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../data/counting_split.h"
#include "../gathered_gradients.h"
#include "../temporary_folder.h"
#include "charrnn/comm/solo.h"
#include "charrnn/model/loss.h"
#include "charrnn/model/sequence.h"

namespace charrnn {
namespace {

constexpr int64_t kV = 11;
constexpr int64_t kN = 401;  // characters in two shards, more than the evaluator takes at a time

class Evaluator : public testing::Test {
 protected:
  Evaluator() { model_.initialize(3); }

  // Targets [begin, end) of the split from zero state in one call: its loss in nats, summed.
  double plain_sum(int64_t begin, int64_t end) const {
    const c10::AutoGradMode no_grad(false);
    const at::Tensor ids =
        at::arange(begin, end + 1, at::TensorOptions().dtype(at::kLong)).remainder(kV).unsqueeze(0);
    RnnState state = model_.zero_state(1);
    const at::Tensor logits = model_.forward(ids.narrow(1, 0, end - begin), state, std::nullopt);
    return cross_entropy_sum(logits, ids.narrow(1, 1, end - begin)).item<double>();
  }

  TemporaryFolder folder_;
  SplitInfo split_ = counting_split(folder_, {250, kN - 250}, 1, kV, "valid");
  CharRnn model_{{.embedding_size = 5, .hidden_size = 7, .layers = 2, .output_dropout = {}}, kV};
  std::unique_ptr<Communicator> comm_ = make_solo_communicator();
};

TEST_F(Evaluator, AModelThatKnowsNothingHasLnV) {
  {
    const c10::AutoGradMode no_grad(false);
    model_.parameters()["head.weight"].detach().zero_();
    model_.parameters()["head.bias"].detach().zero_();
  }
  for (const int64_t lanes : {1, 3, 7, 500}) {
    const Loss loss = evaluate(model_, split_, lanes, *comm_).value();
    EXPECT_EQ(loss.count, kN - 1);
    EXPECT_NEAR(loss.nats(), std::log(11.0), 1e-6);  // float logarithms
    EXPECT_NEAR(loss.perplexity(), 11, 1e-5);
    EXPECT_NEAR(loss.bits(), std::log2(11.0), 1e-6);
  }
}

// 1e-5: float sums of 400 losses, in other orders.
TEST_F(Evaluator, CarriesTheStateThroughEachLane) {
  for (const int64_t lanes : {1, 2, 7}) {
    double expected = 0;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      expected += plain_sum(lane * (kN - 1) / lanes, (lane + 1) * (kN - 1) / lanes);
    }
    EXPECT_NEAR(evaluate(model_, split_, lanes, *comm_)->sum_nats / expected, 1, 1e-5) << lanes;
  }
}

TEST_F(Evaluator, WindowsEachStartFromZeroState) {
  constexpr int64_t window = 30;
  for (const int64_t lanes : {1, 7}) {
    double expected = 0;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const int64_t end = (lane + 1) * (kN - 1) / lanes;
      for (int64_t begin = lane * (kN - 1) / lanes; begin < end; begin += window) {
        expected += plain_sum(begin, std::min(begin + window, end));
      }
    }
    const Loss loss = evaluate(model_, split_, lanes, *comm_, window).value();
    EXPECT_EQ(loss.count, kN - 1);
    EXPECT_NEAR(loss.sum_nats / expected, 1, 1e-5) << lanes;
    EXPECT_NE(loss.sum_nats, evaluate(model_, split_, lanes, *comm_)->sum_nats);
  }
}

TEST_F(Evaluator, LeavesTheModelAsItWas) {
  model_.parameters()["head.weight"].sum().backward();
  const at::Tensor values = model_.parameters().values().clone();
  const at::Tensor gradients = gathered_gradients(model_.parameters()).clone();
  const Loss first = evaluate(model_, split_, 3, *comm_).value();
  EXPECT_EQ(evaluate(model_, split_, 3, *comm_)->sum_nats, first.sum_nats);
  EXPECT_TRUE(at::equal(model_.parameters().values(), values));
  EXPECT_TRUE(at::equal(model_.parameters().gradients(), gradients));
  EXPECT_TRUE(c10::GradMode::is_enabled());
}

TEST_F(Evaluator, AStopGivesNoValue) {
  StopSource source;
  EXPECT_TRUE(evaluate(model_, split_, 3, *comm_, {}, source.token()));
  source.request_stop();
  EXPECT_FALSE(evaluate(model_, split_, 3, *comm_, {}, source.token()));
}

// 1e-5 as above.
TEST_F(Evaluator, OneLaneIsTheSumOfTheSurprisal) {
  std::vector<uint32_t> ids;
  for (int64_t i = 0; i < kN; ++i) ids.push_back(static_cast<uint32_t>(i % kV));
  const std::vector<float> surprisal = sequence_surprisal(model_, ids);
  const double sum = std::accumulate(surprisal.begin() + 1, surprisal.end(), 0.0);
  EXPECT_NEAR(evaluate(model_, split_, 1, *comm_)->sum_nats / sum, 1, 1e-5);
}

}  // namespace
}  // namespace charrnn
