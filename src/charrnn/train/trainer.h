// One replica of the model and its share of the lanes. step() is all there is to training; evaluating,
// logging and saving happen outside.
#pragma once

#include <optional>
#include <vector>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/data/batch_reader.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/train/control_message.h"
#include "charrnn/train/gradient_exchange.h"
#include "charrnn/train/loss_scale.h"
#include "charrnn/train/norm_watch.h"
#include "charrnn/train/optimizer.h"
#include "charrnn/train/profile.h"
#include "charrnn/train/schedule.h"
#include "charrnn/train/step_times.h"

namespace charrnn {

class Trainer {
 public:
  // At step 0. The rate of each step is what `schedule` returns, which must be the same on all ranks, times
  // the factor below. The ranks start from equal weights: rank 0's are
  // broadcast. A requested `stop` asks all ranks to stop (StopReason::kSignal); step() itself always
  // completes.
  Trainer(const Settings& settings, Schedule schedule, CharRnn& model, Communicator& comm,
          const SplitInfo& split, StopToken stop = {});
  // With train.schedule, which ends at `total_steps`.
  Trainer(const Settings& settings, int64_t total_steps, CharRnn& model, Communicator& comm,
          const SplitInfo& split, StopToken stop = {});

  // One step of truncated back-propagation on T characters of every lane. Every rank calls it. What comes out
  // (losses, norms, skipped steps) stays on the device for train.read_every steps; what the ranks then send
  // each other (loss, stop, times) is known after the next step. After settle() all is known.
  void step();
  // Every rank calls it before it reads the window's loss, or saves.
  void settle();

  // How far training has come.
  struct Progress {
    int64_t step = 0;
    ReadingPosition position;      // of the next batch
    int64_t characters = 0;        // trained on, over all ranks
    double window_loss_sum = 0;    // nats since begin_window()
    double window_count = 0;       // targets since then
    int64_t skipped_in_a_row = 0;  // steps whose gradient was not finite, or a spike
    int64_t skipped = 0;           // in all
    int64_t spikes = 0;            // of them

    template <class Self, class Visitor>
    static void visit(Self& p, const Visitor& v) {
      v("step", p.step);
      v("epoch", p.position.epoch);
      v("place", p.position.place);
      v("done", p.position.done);
      v("characters", p.characters);
      v("window_loss_sum", p.window_loss_sum);
      v("window_count", p.window_count);
      v("skipped_in_a_row", p.skipped_in_a_row);
      v("skipped", p.skipped);
      v("spikes", p.spikes);
    }
  };
  const Progress& progress() const { return progress_; }
  double epoch() const { return plan().epochs_at(progress_.position); }  // epochs read, with their part
  void begin_window() { progress_.window_loss_sum = progress_.window_count = 0; }

  const ReadingPlan& plan() const { return reader_->plan(); }
  const NormWatch& norms() const { return norms_; }
  double gradient_norm() const { return gradient_norm_; }  // of the last step read, before clipping
  double rate() const { return rate_; }                    // learning rate of the last step
  // Times the schedule's learning rate, from the next step on.
  void set_rate_factor(double factor) { rate_factor_ = factor; }

  // Asks all ranks to stop, as the token does by itself.
  void ask_to_stop(StopReason reason) { own_stop_ = reason; }
  StopReason stop_reason() const { return stop_reason_; }  // agreed by all

  // The last step that changed no weights, if there was one in this process; and whether
  // train.max_skipped_steps came in a row, so that the run has diverged.
  struct Skip {
    int64_t step = 0;
    bool is_spike = false;  // else its loss or gradient was not finite
    double norm = 0;
  };
  const Skip& last_skip() const { return last_skip_; }
  bool has_diverged() const { return has_diverged_; }

  StepTimes& step_times() { return step_times_; }
  const StepProfile& profile() const { return profile_; }

  // Exchanges the weights with their running average, for an evaluation or sample; and back.
  void swap_average();

  // Throws AgreedError naming the rank whose weights or moments differ from the others'. Every rank calls it.
  void check_replicas() const;

  // Weights, moments, lane states and numbers; on rank 0 all of them, elsewhere nothing. Every rank calls it.
  void save_to(Checkpoint& checkpoint) const;
  // The same back: tensors from what rank 0 holds, numbers from what every rank does. Every rank calls it.
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

    void add(const at::Tensor& loss) { loss_sum = loss_sum.defined() ? loss_sum + loss : loss; }
  };

  // Some neighbouring lanes of a batch, on the device.
  struct Lanes {
    int64_t first = 0;   // among all lanes of the batch, over the ranks
    at::Tensor inputs;   // (lanes, T) of int64
    at::Tensor targets;  // the same
    RnnState state;      // before the step, then after forward
    bool are_last = false;

    void cut_gradients();
  };

  Batch read();
  std::vector<Lanes> groups_of(const Batch& batch);
  at::Tensor forward(Lanes& lanes);                             // (lanes, T, H), what the head reads
  at::Tensor loss_of(const at::Tensor& x, const Lanes& lanes);  // the sum, nats
  at::Tensor poison_gradient_if_not_finite(const at::Tensor& loss_sum, int64_t length);
  void exchange_gradients();
  void receive_control();
  void measure_gradient(Outcome& outcome);
  void update(const Outcome& outcome);
  void carry_state(const std::vector<Lanes>& groups, const Outcome& outcome);
  void advance(const Batch& batch);
  void read_outcomes();
  void restore_numbers(const SavedStates& saved);
  void load_from(const Checkpoint& checkpoint);  // on rank 0
  void load_flat(const at::Tensor& flat, const std::map<std::string, at::Tensor>& tensors,
                 const std::string& what) const;
  int64_t targets_of(int64_t lanes, int64_t length) const;  // that have a part in the loss

  Settings settings_;
  Schedule schedule_;
  CharRnn& model_;
  Communicator& comm_;
  SplitInfo split_;
  StopToken stop_;
  StepProfile profile_;
  GradientExchange exchange_;
  ControlMessage control_;
  std::optional<BatchReader> reader_;
  Optimizer optimizer_;
  LossScale loss_scale_;
  NormWatch norms_;
  at::Tensor average_;  // (P), with train.average_decay
  RnnState state_;      // of this rank's lanes, detached
  at::Tensor share_;    // scalar: 1 / targets of a step over all ranks, of
  int64_t share_targets_ = 0;
  Progress progress_;
  double rate_factor_ = 1;
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

}  // namespace charrnn
