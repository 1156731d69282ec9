// One replica of the model and its share of the lanes. step() is all there is to training; evaluating,
// logging and saving are called beside it.
#pragma once

#include <memory>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/data/batch_reader.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/train/control_message.h"
#include "charrnn/train/gradient_exchange.h"
#include "charrnn/train/loss_scale.h"
#include "charrnn/train/optimizer.h"
#include "charrnn/train/profile.h"
#include "charrnn/train/step_times.h"

namespace charrnn {

class Trainer {
 public:
  // `progress` is where reading goes on; `total_steps` is what the schedule ends at. The ranks start from
  // equal weights: rank 0's are broadcast.
  Trainer(const Settings& settings, int64_t total_steps, CharRnn& model, Communicator& comm,
          const SplitInfo& split, const Progressed& progress = {});

  // One step of truncated back-propagation on T characters of every lane. Every rank calls it. What comes out
  // (losses, norms, skipped steps) stays on the device for train.read_every steps; what the ranks then tell
  // each other (loss, stop, times) is known after the next step. After settle() all is known.
  void step();
  // Every rank calls it before it reads the window's sums of progress() for good, or saves.
  void settle();

  const Progressed& progress() const { return progress_; }
  Progressed& progress() { return progress_; }
  const ReadingPlan& plan() const { return reader_.plan(); }

  double gradient_norm() const { return gradient_norm_; }  // of the last step read, before clipping
  double rate() const { return rate_; }                    // learning rate of the last step

  // Asks all ranks to stop; a signal asks by itself.
  void ask_to_stop(StopReason reason) { own_stop_ = reason; }
  StopReason stop_reason() const { return stop_reason_; }  // agreed by all

  // The last step that changed no weights, where there was one in this process; and whether so many came in a
  // row that the run has diverged (train.max_skipped_steps).
  struct Skip {
    int64_t step = 0;
    bool is_spike = false;  // else its loss or gradient was not finite
    double norm = 0;
  };
  const Skip& last_skip() const { return last_skip_; }
  bool has_diverged() const { return has_diverged_; }

  StepTimes& step_times() { return step_times_; }
  const StepProfile& profile() const { return profile_; }

  // Exchanges the weights with their running average, for an evaluation or sample; again, and all is as
  // before.
  void swap_average();

  // Throws AgreedError naming the rank whose weights or moments differ from the others'. Every rank calls it.
  void check_replicas() const;

  // Weights, moments and lane states; on rank 0 all of them, elsewhere empty. Every rank calls it.
  void save_to(Checkpoint& checkpoint) const;
  // The same back, from what rank 0 holds. Every rank calls it.
  void restore_from(const Checkpoint& checkpoint);

 private:
  // What came out of a step: scalars on the device until the host reads them.
  struct Outcome {
    at::Tensor loss_sum;    // nats, of this rank's lanes
    at::Tensor norm;        // of the gradient over all ranks, before clipping
    at::Tensor is_finite;   // bool: loss and gradient are, on all ranks
    at::Tensor is_applied;  // bool: the weights change
    bool is_spike = false;  // and the loss is a number
    int64_t targets = 0;    // of this rank
    double work_seconds = 0;
  };

  // Some neighbouring lanes of a batch, on the device.
  struct Lanes {
    int64_t first = 0;   // among all lanes of the batch, over the ranks
    at::Tensor inputs;   // (lanes, T) of int64
    at::Tensor targets;  // the same
  };

  Batch read();
  at::Tensor forward(const Lanes& lanes, RnnState& state);             // what the head reads; STATE goes on
  at::Tensor loss_of(const at::Tensor& x, const at::Tensor& targets);  // the sum
  void backward(const at::Tensor& loss_sum, int64_t steps);
  // Forward and backward of all lanes, in train.accumulate groups; gives the sum of the losses and STATE as
  // it is after them.
  at::Tensor run_lanes(const Batch& batch, RnnState& state);
  void measure_gradient(Outcome& outcome);
  void update(const Outcome& outcome);
  void carry_state(const RnnState& state, const Outcome& outcome);
  void advance(const Batch& batch);
  void read_outcomes();
  void receive_control();                        // what they said after the outcomes read last
  void load_from(const Checkpoint& checkpoint);  // on rank 0
  void load_flat(const at::Tensor& flat, const std::map<std::string, at::Tensor>& tensors,
                 const std::string& what) const;
  int64_t targets_of(int64_t lanes, int64_t steps) const;  // that have a part in the loss

  Settings settings_;
  int64_t total_steps_;
  CharRnn& model_;
  Communicator& comm_;
  StepProfile profile_;
  GradientExchange exchange_;
  ControlMessage control_;
  BatchReader reader_;
  Optimizer optimizer_;
  LossScale loss_scale_;
  at::Tensor average_;  // (P), where train.average_decay asks for it
  RnnState state_;      // of this rank's lanes, detached
  at::Tensor share_;    // scalar: 1 / targets of a step over all ranks, of
  int64_t share_targets_ = 0;
  Progressed progress_;
  std::vector<Outcome> unread_;
  int64_t read_every_;
  Skip last_skip_;
  bool has_diverged_ = false;
  double gradient_norm_ = 0;
  double rate_ = 0;
  StopReason own_stop_ = StopReason::kNone;
  StopReason stop_reason_ = StopReason::kNone;
  StepTimes step_times_;
};

// The settings with train.batch_size as it is for so many ranks: train.lanes_per_rank times them, where that
// is given.
Settings with_lanes_of(Settings settings, int ranks);

LaneOptions lane_options(const Settings& settings);

}  // namespace charrnn
