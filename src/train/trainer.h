// One replica of the model and its share of the lanes. step() is all there is to training; evaluating,
// logging and saving are called beside it.
#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "comm/communicator.h"
#include "config/settings.h"
#include "data/batch_reader.h"
#include "model/char_rnn.h"
#include "train/gradient_exchange.h"
#include "train/optimizer.h"

namespace charrnn {

class Trainer {
 public:
  // `progress` is where reading goes on; `total_steps` is what the schedule ends at. The ranks start from
  // equal weights: rank 0's are broadcast.
  Trainer(const Settings& settings, int64_t total_steps, CharRnn& model, Communicator& comm,
          const SplitInfo& split, const Progressed& progress = {});

  // One step of truncated back-propagation on T characters of every lane. Every rank calls it.
  void step();

  const Progressed& progress() const { return progress_; }
  Progressed& progress() { return progress_; }
  const ReadingPlan& plan() const { return reader_.plan(); }

  double gradient_norm() const { return gradient_norm_; }  // of the last step, before clipping
  double rate() const { return rate_; }                    // learning rate of the last step
  bool stop_requested() const { return stop_requested_; }  // a rank got a signal; agreed by all

  // Weights, moments and lane states; on rank 0 all of them, elsewhere empty. Every rank calls it.
  void save_to(Checkpoint& checkpoint) const;
  // The same back, from what rank 0 holds. Every rank calls it.
  void restore_from(const Checkpoint& checkpoint);

 private:
  void count(double loss_sum, bool usable);

  Settings settings_;
  int64_t total_steps_;
  CharRnn& model_;
  Communicator& comm_;
  GradientExchange exchange_;
  BatchReader reader_;
  Optimizer optimizer_;
  RnnState state_;  // of this rank's lanes, detached
  Progressed progress_;
  double gradient_norm_ = 0;
  double rate_ = 0;
  bool stop_requested_ = false;
};

LaneOptions lane_options(const Settings& settings);

}  // namespace charrnn
