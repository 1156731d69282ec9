#include "charrnn/train/trainer.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "../data/counting_split.h"
#include "../error_of.h"
#include "../gathered_gradients.h"
#include "../temporary_folder.h"
#include "charrnn/model/loss.h"
#include "charrnn/run/corpus_check.h"
#include "charrnn/train/lane_settings.h"
#include "small_run.h"

namespace charrnn {
namespace {

// A step is the gradient times the rate, and nothing else.
Settings plain_descent() {
  Settings settings = some_settings();
  settings.train.optimizer.name = OptimizerName::kSgd;
  settings.train.optimizer.learning_rate = 0.5;
  settings.train.schedule = {};
  settings.train.clip_norm = 0;
  return settings;
}

// Of some_settings' batches: 4 lanes x 3 characters.
at::Tensor ids(const std::vector<int64_t>& list) {
  return at::tensor(list, at::TensorOptions().dtype(at::kLong)).view({4, 3});
}

void expect_same_bits(const Checkpoint& a, const Checkpoint& b) {
  EXPECT_EQ(a.weights.size(), 11u);
  for (const auto& [name, tensor] : a.weights) EXPECT_TRUE(same_bits(tensor, b.weights.at(name))) << name;
  EXPECT_EQ(a.moments.size(), b.moments.size());
  for (const auto& [moment, tensors] : a.moments) {
    for (const auto& [name, tensor] : tensors) {
      EXPECT_TRUE(same_bits(tensor, b.moments.at(moment).at(name))) << moment << " of " << name;
    }
  }
  EXPECT_TRUE(same_bits(a.state.h, b.state.h));
  EXPECT_TRUE(same_bits(a.state.c, b.state.c));
}

class Trainers : public testing::Test {
 protected:
  TemporaryFolder folder_;
  // Two or three steps of 4 x 3 in each: borders of shards and epochs lie everywhere.
  SplitInfo split_ = counting_split(folder_, {29, 43}, 1, kV);
};

double mean_loss(SmallRun& run) {
  const double loss = run.trainer.progress().window_loss_sum / run.trainer.progress().window_count;
  run.trainer.begin_window();
  return loss;
}

TEST_F(Trainers, LearnsARepeatedTextFromLnVDown) {
  Settings settings = some_settings();
  settings.model.dropout = 0;
  SmallRun run(settings, split_);
  run.steps(1);
  EXPECT_NEAR(mean_loss(run), std::log(11.0), 0.25) << "fresh weights know nothing";
  run.steps(120);
  mean_loss(run);
  run.steps(10);
  EXPECT_LT(mean_loss(run), 0.3) << "each character says which one follows";
}

// The same steps written out: the mean loss over all lanes, its gradient, plain descent; the state carried
// and cut, zeroed where a shard begins.
TEST_F(Trainers, StepsArePlainDescentOnTheMeanLoss) {
  Settings settings = plain_descent();
  settings.model.dropout = 0;
  SmallRun run(settings, split_);
  CharRnn model = SmallRun::initialized(settings);
  BatchReader reader(split_, lane_options(settings), 0, 1);
  RnnState state;
  for (int step = 1; step <= 9; ++step) {
    if (reader.position().done == 0) state = model.zero_state(4);
    const Batch batch = reader.next();
    const at::Tensor logits = model.forward(ids(batch.inputs), state, std::nullopt);
    const at::Tensor loss = cross_entropy_sum(logits, ids(batch.targets));
    (loss / 12).backward();
    state = {state.h.detach(), state.c.detach()};
    {
      const c10::AutoGradMode no_grad(false);
      at::Tensor(model.parameters().values()).sub_(gathered_gradients(model.parameters()) * 0.5);
    }
    run.steps(1);
    // Float rounding of weights below 3.
    EXPECT_LT((run.values() - model.parameters().values()).abs().max().item<double>(), 2e-6)
        << "step " << step;
    EXPECT_NEAR(mean_loss(run), loss.item<double>() / 12, 1e-5);
  }
}

TEST_F(Trainers, CountsWhatItRead) {
  SmallRun run(some_settings(), split_);
  run.steps(7);
  const Trainer::Progress& progress = run.trainer.progress();
  EXPECT_EQ(progress.step, 7);
  EXPECT_EQ(progress.characters, 7 * 12);
  EXPECT_EQ(progress.window_count, 7 * 12);
  EXPECT_EQ(progress.skipped, 0);
  ReadingPosition position;
  for (int step = 0; step < 7; ++step) position = run.trainer.plan().advance(position);
  EXPECT_EQ(progress.position, position);
  EXPECT_GT(position.epoch, 0u) << "the border of an epoch was crossed";
  EXPECT_GT(run.trainer.gradient_norm(), 0);
  EXPECT_EQ(run.trainer.stop_reason(), StopReason::kNone);
}

TEST_F(Trainers, SixAndFourStepsAreTenBitForBit) {
  for (const OptimizerName name :
       {OptimizerName::kSgd, OptimizerName::kRmsprop, OptimizerName::kAdam, OptimizerName::kAdamW}) {
    for (const Sampling sampling : {Sampling::kSequential, Sampling::kRandom}) {
      Settings settings = some_settings();
      settings.train.optimizer.name = name;
      if (name == OptimizerName::kSgd) settings.train.optimizer.momentum = 0.9;
      settings.train.sampling = sampling;
      SCOPED_TRACE(std::string(enum_name(name)) + ", " + std::string(enum_name(sampling)));

      SmallRun whole(settings, split_);
      whole.steps(10);
      {
        SmallRun first(settings, split_);
        first.steps(6);
        write_checkpoint(folder_ / "six.safetensors", first.saved());
      }
      const Checkpoint found = read_checkpoint(folder_ / "six.safetensors");
      SmallRun second(settings, split_);
      at::Tensor(second.values()).add_(1);  // whatever it started from is replaced
      second.trainer.restore_from(found);
      second.steps(4);
      expect_same_bits(second.saved(), whole.saved());
      EXPECT_EQ(second.trainer.gradient_norm(), whole.trainer.gradient_norm());
      EXPECT_EQ(second.trainer.rate(), whole.trainer.rate());
      EXPECT_EQ(second.trainer.progress().position, whole.trainer.progress().position);
      EXPECT_EQ(second.trainer.progress().window_loss_sum, whole.trainer.progress().window_loss_sum);
      EXPECT_EQ(second.saved().saved.owners(), whole.saved().saved.owners()) << "all numbers";
      EXPECT_EQ(second.trainer.progress().characters, whole.trainer.progress().characters);
      EXPECT_GT(whole.trainer.progress().position.epoch, 0u);
    }
  }
}

// What the test above would miss if it were not saved: each part changes the steps that follow.
TEST_F(Trainers, StateMomentsAndPlaceAllMatter) {
  SmallRun whole(some_settings(), split_);
  do {
    whole.steps(1);
  } while (whole.trainer.progress().step < 6 ||
           whole.trainer.progress().position.done == 0);  // inside of a shard
  write_checkpoint(folder_ / "some", whole.saved());
  const Checkpoint found = read_checkpoint(folder_ / "some");
  whole.steps(1);
  const auto after_one_step = [&](const Checkpoint& checkpoint) {
    SmallRun run(some_settings(), split_);
    run.trainer.restore_from(checkpoint);
    run.steps(1);
    return run.values().clone();
  };
  EXPECT_TRUE(same_bits(after_one_step(found), whole.values()));
  Checkpoint changed = found;
  changed.state.c = found.state.c + 1;
  EXPECT_FALSE(same_bits(after_one_step(changed), whole.values()));
  changed = found;
  changed.moments["exp_avg"]["head.bias"] = found.moments.at("exp_avg").at("head.bias") + 1;
  EXPECT_FALSE(same_bits(after_one_step(changed), whole.values()));
  changed = found;
  changed.saved.owners()["trainer"]["step"] = found.step + 1;
  EXPECT_FALSE(same_bits(after_one_step(changed), whole.values()));
}

// As after a divergence: the trainer goes back in the middle of its run, and steps as a new one would.
TEST_F(Trainers, GoesBackToACheckpointAsANewOneWould) {
  for (const OptimizerName name : {OptimizerName::kAdam, OptimizerName::kSgd}) {
    Settings settings = some_settings();
    settings.train.optimizer.name = name;
    settings.train.read_every = 4;
    SmallRun run(settings, split_);
    run.steps(6);
    write_checkpoint(folder_ / "six", run.saved());
    const Checkpoint found = read_checkpoint(folder_ / "six");
    SmallRun fresh(settings, split_);
    fresh.trainer.restore_from(found);
    const at::Tensor bias = run.model.parameters()["head.bias"].detach();
    at::Tensor(bias).fill_(std::numeric_limits<float>::quiet_NaN());
    run.steps(7);
    EXPECT_GT(run.trainer.progress().skipped_in_a_row, 0);
    run.trainer.restore_from(found);
    EXPECT_FALSE(run.trainer.has_diverged());
    EXPECT_EQ(run.trainer.gradient_norm(), 0) << "that of the steps that were left is forgotten";
    run.steps(5);
    fresh.steps(5);
    expect_same_bits(run.saved(), fresh.saved());
    EXPECT_EQ(run.saved().saved.owners(), fresh.saved().saved.owners());
    EXPECT_EQ(run.trainer.rate(), fresh.trainer.rate());
  }
}

TEST_F(Trainers, AGradientThatIsNoNumberSkipsTheStep) {
  Settings settings = some_settings();
  settings.train.schedule = {};
  settings.train.clip_norm = 0;
  SmallRun run(settings, split_);
  const at::Tensor head_bias = run.model.parameters()["head.bias"].detach();
  const at::Tensor kept = head_bias.clone();
  head_bias[4].fill_(std::numeric_limits<float>::quiet_NaN());
  write_checkpoint(folder_ / "before", run.saved());
  const Checkpoint before = read_checkpoint(folder_ / "before");
  run.steps(2);
  expect_same_bits(run.saved(), before);
  const Trainer::Progress& progress = run.trainer.progress();
  EXPECT_FALSE(std::isfinite(run.trainer.gradient_norm()));
  EXPECT_EQ(progress.step, 2);
  EXPECT_EQ(progress.skipped, 2);
  EXPECT_EQ(progress.skipped_in_a_row, 2);
  EXPECT_EQ(progress.window_count, 0);
  EXPECT_EQ(progress.window_loss_sum, 0);
  EXPECT_NE(progress.position, ReadingPosition()) << "reading goes on";

  // The next step is Adam's first: its corrected moments are the gradient and its square, so every weight
  // whose gradient is well above epsilon moves by the learning rate. (Were it counted as the third, by 0.26
  // of it.)
  at::Tensor(head_bias).copy_(kept);
  const at::Tensor weights = run.values().clone();
  run.steps(1);
  EXPECT_EQ(progress.skipped, 2);
  EXPECT_EQ(progress.skipped_in_a_row, 0);
  EXPECT_EQ(progress.window_count, 12);
  const at::Tensor moved = (run.values() - weights).abs();
  const at::Tensor well_above = run.model.parameters().gradients().abs().gt(1e-4);
  EXPECT_GT(well_above.sum().item<int64_t>(), 100);
  EXPECT_LT((moved.masked_select(well_above) - 0.02).abs().max().item<double>(), 1e-5);
}

// The loss of one batch is no number, its gradient is: log p of a certain error is minus infinity where
// logits are.
TEST_F(Trainers, ALossThatIsNoNumberSkipsTheStep) {
  Settings settings = some_settings();
  settings.train.clip_norm = 0;
  SmallRun run(settings, split_);
  // Half of the characters: some of them are targets.
  run.model.parameters()["head.bias"].detach().narrow(0, 0, 6).fill_(-std::numeric_limits<float>::infinity());
  const at::Tensor before = run.values().clone();
  run.steps(1);
  EXPECT_FALSE(std::isfinite(run.trainer.gradient_norm()));
  EXPECT_EQ(run.trainer.progress().skipped, 1);
  EXPECT_TRUE(same_bits(run.values(), before));
}

TEST_F(Trainers, ASpikeIsSkippedAndTheStateGoesOn) {
  Settings settings = some_settings();
  settings.model.dropout = 0;
  settings.train.optimizer.name = OptimizerName::kSgd;
  settings.train.optimizer.learning_rate = 0.01;
  settings.train.schedule = {};
  settings.train.clip_norm = 0;
  settings.train.skip_spikes_above = 6;
  SmallRun run(settings, split_);
  run.steps(60);
  const Trainer::Progress& progress = run.trainer.progress();
  ASSERT_EQ(progress.skipped, 0);
  EXPECT_EQ(run.trainer.norms().count(), 60);
  // An output bias that is sure of one character: the gradient is several times what it was.
  const at::Tensor head_bias = run.model.parameters()["head.bias"].detach();
  const at::Tensor kept = head_bias.clone();
  head_bias[4].add_(100);
  const at::Tensor weights = run.values().clone();
  const double mean_before = run.trainer.norms().mean();
  run.steps(1);
  EXPECT_GT(run.trainer.gradient_norm(), 2 * mean_before);
  EXPECT_TRUE(same_bits(run.values(), weights));
  EXPECT_EQ(progress.skipped, 1);
  EXPECT_EQ(progress.spikes, 1);
  EXPECT_EQ(progress.skipped_in_a_row, 1);
  at::Tensor(head_bias).copy_(kept);
  run.steps(1);
  EXPECT_EQ(progress.spikes, 1);
  EXPECT_EQ(progress.skipped_in_a_row, 0);
  EXPECT_FALSE(same_bits(run.values(), weights));
}

TEST_F(Trainers, RollbacksAndTheBatchScaleTheRate) {
  Settings settings = some_settings();
  settings.train.schedule = {};
  settings.train.scale_learning_rate = RateScale::kSqrt;
  settings.train.reference_batch_size = 1;  // of 4
  SmallRun run(settings, split_);
  run.trainer.set_rate_factor(0.25);
  run.steps(1);
  EXPECT_DOUBLE_EQ(run.trainer.rate(), 0.02 * 2 * 0.25);
}

// By the formula: a = d a + (1 - d) w after each update, from the first weights on; also across a checkpoint.
TEST_F(Trainers, TheAverageFollowsTheWeights) {
  Settings settings = some_settings();
  settings.train.average_decay = 0.75;
  SmallRun run(settings, split_);
  at::Tensor average = run.values().clone();
  for (int step = 0; step < 7; ++step) {
    run.steps(1);
    average = 0.75 * average + 0.25 * run.values();
  }
  const at::Tensor weights = run.values().clone();
  run.trainer.swap_average();
  EXPECT_LT((run.values() - average).abs().max().item<double>(), 1e-6);
  EXPECT_GT((run.values() - weights).abs().max().item<double>(), 1e-4);
  run.trainer.swap_average();
  EXPECT_TRUE(same_bits(run.values(), weights));

  write_checkpoint(folder_ / "seven", run.saved());
  const Checkpoint found = read_checkpoint(folder_ / "seven");
  SmallRun second(settings, split_);
  second.trainer.restore_from(found);
  second.steps(3);
  run.steps(3);
  EXPECT_TRUE(same_bits(second.values(), run.values()));
  second.trainer.swap_average();
  run.trainer.swap_average();
  EXPECT_TRUE(same_bits(second.values(), run.values())) << "the averages";

  CharRnn model(settings.model, kV);
  load_weights(found, model, WeightsUsed::kAverage);
  EXPECT_LT((model.parameters().values() - average).abs().max().item<double>(), 1e-6);
  Checkpoint without = found;
  without.average.clear();
  EXPECT_THAT(usage_error_of([&] { load_weights(without, model, WeightsUsed::kAverage); }),
              testing::HasSubstr("train.average_decay"));
}

// Groups of lanes one after another give what all at once give, but for the order of adding up; with dropout,
// whose masks are the lanes' own.
TEST_F(Trainers, AccumulatedGroupsAreTheWholeBatch) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru}) {
    Settings settings = some_settings();
    settings.model.cell = cell;
    SmallRun whole(settings, split_);
    settings.train.accumulate = 2;
    SmallRun halves(settings, split_);
    settings.train.accumulate = 4;
    SmallRun single(settings, split_);
    for (int step = 0; step < 9; ++step) {
      whole.steps(1);
      halves.steps(1);
      single.steps(1);
      const double loss = mean_loss(whole);
      EXPECT_NEAR(mean_loss(halves), loss, 2e-5) << "step " << step;
      EXPECT_NEAR(mean_loss(single), loss, 2e-5) << "step " << step;
    }
    EXPECT_LT((single.saved().state.h - whole.saved().state.h).abs().max().item<double>(), 1e-3);
  }
  TrainSettings train;
  train.batch_size = 12;
  train.accumulate = 4;
  check_groups(train, 3);
  EXPECT_THAT(usage_error_of([&] { check_groups(train, 2); }),
              testing::AllOf(testing::HasSubstr("the 6 lanes of each rank"), testing::HasSubstr("2 ranks")));
}

// Plain descent without clipping: a gradient that were k times too large would show. With drawn lengths, the
// last character alone, random windows and lanes that start anew with a document.
TEST_F(Trainers, AccumulatedGradientsAreOfTheSameSize) {
  Settings settings = plain_descent();
  std::vector<Settings> kinds(4, settings);
  kinds[0].train.sequence_length = {1, 4};
  kinds[1].train.loss = LossOver::kLast;
  kinds[2].train.sampling = Sampling::kRandom;
  kinds[3].train.reset_state = ResetState::kDocument;
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    SmallRun whole(kinds[kind], split_);
    kinds[kind].train.accumulate = 2;
    SmallRun halves(kinds[kind], split_);
    whole.steps(12);
    halves.steps(12);
    EXPECT_LT((whole.values() - halves.values()).abs().max().item<double>(), 1e-5) << "kind " << kind;
    EXPECT_EQ(whole.trainer.progress().window_count, halves.trainer.progress().window_count);
  }
}

// amsgrad and momentum may come when a run goes on; a moment that was never optional may not be missing.
TEST_F(Trainers, AMomentMayBeginLate) {
  Settings settings = some_settings();
  SmallRun first(settings, split_);
  first.steps(3);
  write_checkpoint(folder_ / "three", first.saved());
  Checkpoint found = read_checkpoint(folder_ / "three");
  settings.train.optimizer.amsgrad = true;
  SmallRun second(settings, split_);
  second.trainer.restore_from(found);
  const Checkpoint again = second.saved();
  EXPECT_TRUE(same_bits(again.moments.at("max_exp_avg_sq").at("head.bias"),
                        found.moments.at("exp_avg_sq").at("head.bias")));
  found.moments.erase("exp_avg");
  EXPECT_THAT(error_of([&] { second.trainer.restore_from(found); }), testing::HasSubstr("no moment exp_avg"));
}

// By hand: only the last character of each lane has a part in loss and gradient, and in their count.
TEST_F(Trainers, TheLossOfTheLastCharacterAlone) {
  Settings settings = plain_descent();
  settings.model.dropout = 0;
  settings.train.loss = LossOver::kLast;
  SmallRun run(settings, split_);
  CharRnn model = SmallRun::initialized(settings);
  BatchReader reader(split_, lane_options(settings), 0, 1);
  const Batch batch = reader.next();
  RnnState state = model.zero_state(4);
  const at::Tensor logits = model.forward(ids(batch.inputs), state, std::nullopt).select(1, 2);
  const at::Tensor loss =
      -at::log_softmax(logits, 1).gather(1, ids(batch.targets).select(1, 2).unsqueeze(1)).mean();
  loss.backward();
  run.steps(1);
  EXPECT_EQ(run.trainer.progress().window_count, 4);
  EXPECT_EQ(run.trainer.progress().characters, 12);
  EXPECT_NEAR(mean_loss(run), loss.item<double>(), 1e-6);
  const at::Tensor expected =
      model.parameters().values().detach() - gathered_gradients(model.parameters()) * 0.5;
  EXPECT_LT((run.values() - expected).abs().max().item<double>(), 1e-6);
}

// Each step has its own T, and a run that goes on amid an epoch draws the same ones.
TEST_F(Trainers, DrawnLengthsGoOnBitForBit) {
  Settings settings = some_settings();
  settings.train.sequence_length = {1, 4};
  SmallRun whole(settings, split_);
  std::vector<int64_t> lengths;
  for (int step = 0; step < 20; ++step) {
    const int64_t before = whole.trainer.progress().characters;
    whole.steps(1);
    lengths.push_back((whole.trainer.progress().characters - before) / 4);
  }
  EXPECT_THAT(lengths,
              testing::AllOf(testing::Contains(1), testing::Contains(4), testing::Each(testing::Le(4))));
  for (const int cut : {3, 8, 13}) {
    SmallRun first(settings, split_);
    first.steps(cut);
    write_checkpoint(folder_ / "cut", first.saved());
    const Checkpoint found = read_checkpoint(folder_ / "cut");
    SmallRun second(settings, split_);
    second.trainer.restore_from(found);
    second.steps(20 - cut);
    expect_same_bits(second.saved(), whole.saved());
    EXPECT_EQ(second.trainer.progress().position, whole.trainer.progress().position);
    EXPECT_EQ(second.trainer.progress().window_count, whole.trainer.progress().window_count);
  }
}

TEST_F(Trainers, LanesPerRankMakeTheBatch) {
  Settings settings = some_settings();
  EXPECT_EQ(with_lanes_of(settings, 3).train.batch_size, 4);
  settings.train.lanes_per_rank = 5;
  EXPECT_EQ(with_lanes_of(settings, 3).train.batch_size, 15);
}

TEST_F(Trainers, StopIsAskedForOnceForAll) {
  SmallRun run(some_settings(), split_);
  run.trainer.ask_to_stop(StopReason::kTimeLimit);
  run.trainer.step();
  EXPECT_EQ(run.trainer.stop_reason(), StopReason::kNone) << "the others have not heard of it";
  run.trainer.step();
  EXPECT_EQ(run.trainer.stop_reason(), StopReason::kTimeLimit);
}

// The parts of a step in a trace file, and how often each is there.
std::map<std::string, int> traced_parts(const std::filesystem::path& path) {
  std::ifstream file(path);
  const nlohmann::json trace = nlohmann::json::parse(file);
  std::map<std::string, int> parts;
  double last_end = 0;
  for (const nlohmann::json& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X") continue;
    ++parts[event.at("name").get<std::string>()];
    if (event.at("tid") != 0) continue;
    EXPECT_GE(event.at("ts").get<double>(), last_end - 0.01) << "one after the other";
    last_end = event.at("ts").get<double>() + event.at("dur").get<double>();
  }
  return parts;
}

TEST_F(Trainers, ProfileShowsThePartsOfTheFirstSteps) {
  const std::vector<std::string> names{"read",     "forward",         "head and loss", "backward",
                                       "exchange", "clip and update", "read losses"};
  Settings settings = some_settings();
  settings.run.output = (folder_ / "run").string();
  settings.train.profile = true;
  settings.train.accumulate = 2;
  std::filesystem::create_directories(settings.run.output);
  for (const int steps : {3, static_cast<int>(StepProfile::kTracedSteps) + 4}) {
    {
      SmallRun run(settings, split_);
      run.steps(steps);
      const StepProfile& profile = run.trainer.profile();
      EXPECT_EQ(profile.steps(), steps);
      double sum = 0;
      std::vector<std::string> found;
      for (const StepProfile::Part& part : profile.parts()) {
        found.push_back(part.name);
        sum += part.seconds;
        EXPECT_THAT(profile.text(), testing::HasSubstr("\n" + part.name + " "));
      }
      EXPECT_EQ(found, names);
      EXPECT_LE(sum, profile.seconds());
    }
    const int traced = std::min(steps, static_cast<int>(StepProfile::kTracedSteps));
    std::map<std::string, int> expected{{"sum of gradients", traced}};
    for (const std::string& name : names) expected[name] = traced;
    for (const char* name : {"forward", "head and loss", "backward"}) expected[name] *= 2;
    EXPECT_EQ(traced_parts(folder_ / "run" / "trace-rank-0.json"), expected);
  }
}

TEST_F(Trainers, ALearningRateThatExplodesIsNoticed) {
  Settings settings = some_settings();
  settings.train.optimizer.learning_rate = 1e38;
  settings.train.schedule = {};
  SmallRun run(settings, split_);
  run.steps(6);
  EXPECT_GT(run.trainer.progress().skipped_in_a_row, 0);
}

TEST_F(Trainers, ClippingBoundsTheUpdateNotTheReportedNorm) {
  Settings settings = some_settings();
  settings.train.optimizer.name = OptimizerName::kSgd;
  settings.train.optimizer.learning_rate = 1;
  settings.train.schedule = {};
  settings.train.clip_norm = 0.01;
  SmallRun run(settings, split_);
  const at::Tensor before = run.values().clone();
  run.steps(1);
  EXPECT_GT(run.trainer.gradient_norm(), 0.05);
  EXPECT_NEAR((run.values() - before).norm().item<double>(), 0.01, 1e-5);
}

TEST_F(Trainers, ACheckpointThatDoesNotFitIsRefused) {
  SmallRun run(some_settings(), split_);
  run.steps(1);
  const Checkpoint good = run.saved();
  Checkpoint lacking = good;
  lacking.moments.erase("exp_avg_sq");
  EXPECT_THAT(error_of([&] { run.trainer.restore_from(lacking); }),
              testing::HasSubstr("no moment exp_avg_sq"));
  lacking = good;
  lacking.state = {};
  EXPECT_THAT(error_of([&] { run.trainer.restore_from(lacking); }),
              testing::HasSubstr("state of the 4 lanes"));
  lacking = good;
  lacking.state.h = good.state.h.narrow(1, 0, 3);
  EXPECT_THAT(error_of([&] { run.trainer.restore_from(lacking); }),
              testing::HasSubstr("state of the 4 lanes"));
  lacking = good;
  lacking.weights.erase("head.bias");
  EXPECT_THAT(error_of([&] { run.trainer.restore_from(lacking); }),
              testing::HasSubstr("no weight head.bias"));
}

TEST_F(Trainers, TheScheduleMayBeTheCallers) {
  const Settings settings = some_settings();
  SmallRun configured(settings, split_);
  const std::unique_ptr<Communicator> comm = make_solo_communicator();
  CharRnn model = SmallRun::initialized(settings);
  const auto rate_after = [](int64_t step) { return 0.01 / static_cast<double>(step + 1); };
  Trainer trainer(settings, rate_after, model, *comm, split_);
  const at::Tensor before = model.parameters().values().clone();
  for (int64_t step = 0; step < 5; ++step) {
    trainer.step();
    EXPECT_EQ(trainer.rate(), 0.01 / static_cast<double>(step + 1));
  }
  trainer.set_rate_factor(0.5);
  trainer.step();
  EXPECT_EQ(trainer.rate(), 0.01 / 6 * 0.5);
  configured.steps(6);
  EXPECT_FALSE(at::equal(model.parameters().values(), before));
  EXPECT_FALSE(at::equal(model.parameters().values(), configured.values()));

  CharRnn again = SmallRun::initialized(settings);
  Trainer of_settings(settings, configured_schedule(settings.train, kSteps), again, *comm, split_);
  for (int step = 0; step < 6; ++step) of_settings.step();
  EXPECT_TRUE(same_bits(again.parameters().values(), configured.values()));
}

TEST_F(Trainers, AStopIsAgreedOnAfterTheStep) {
  const Settings settings = some_settings();
  const std::unique_ptr<Communicator> comm = make_solo_communicator();
  CharRnn model = SmallRun::initialized(settings);
  StopSource source;
  Trainer trainer(settings, kSteps, model, *comm, split_, source.token());
  trainer.step();
  trainer.settle();
  EXPECT_EQ(trainer.stop_reason(), StopReason::kNone);
  source.request_stop();
  trainer.step();
  trainer.settle();
  EXPECT_EQ(trainer.stop_reason(), StopReason::kSignal);
  EXPECT_EQ(trainer.progress().step, 2);
}

}  // namespace
}  // namespace charrnn
