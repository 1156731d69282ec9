// The section `train`: what a step reads, how long a run is, and what to do if it diverges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "charrnn/config/enum_names.h"
#include "charrnn/config/optimizer_settings.h"
#include "charrnn/config/period.h"
#include "charrnn/config/schedule_settings.h"

namespace charrnn {

enum class Sampling { kSequential, kRandom };
constexpr auto names_of(Sampling) {
  return enum_names("sequential", "random");
}

// Which characters of a step's lanes count in the loss.
enum class LossOver { kAll, kLast };
constexpr auto names_of(LossOver) {
  return enum_names("all", "last");
}

enum class ResetState { kShard, kDocument };
constexpr auto names_of(ResetState) {
  return enum_names("shard", "document");
}

enum class RateScale { kNone, kLinear, kSqrt };
constexpr auto names_of(RateScale) {
  return enum_names("none", "linear", "sqrt");
}

// The number type of the model's computation. Weights, moments and the loss are always fp32.
enum class Precision { kAuto, kFp32, kTf32, kBf16, kFp16 };
constexpr auto names_of(Precision) {
  return enum_names("auto", "fp32", "tf32", "bf16", "fp16");
}

enum class OnDivergence { kStop, kRollback };
constexpr auto names_of(OnDivergence) {
  return enum_names("stop", "rollback");
}

// A number of characters, or the range from which each step draws its number.
struct LengthRange {
  LengthRange(int64_t length) : min(length), max(length) {}
  LengthRange(int64_t smallest, int64_t largest) : min(smallest), max(largest) {}
  bool operator==(const LengthRange&) const = default;

  bool is_range() const { return min != max; }
  double mean() const { return 0.5 * static_cast<double>(min + max); }
  std::string text() const {
    return is_range() ? std::to_string(min) + " to " + std::to_string(max) : std::to_string(min);
  }

  int64_t min;
  int64_t max;
};

struct TrainSettings {
  std::string start_from;                 // a run or checkpoint whose weights a new run begins with
  int64_t batch_size = 32;                // B, over all ranks
  std::optional<int64_t> lanes_per_rank;  // in place of batch_size
  LengthRange sequence_length = 64;       // T
  LossOver loss = LossOver::kAll;
  int64_t accumulate = 1;  // groups of a rank's lanes that run one after another
  Sampling sampling = Sampling::kSequential;
  bool random_offset = true;                    // start each shard at a random character in each epoch
  ResetState reset_state = ResetState::kShard;  // where a lane starts from zero state
  std::optional<int64_t> steps;                 // length of the run
  std::optional<double> epochs;                 // length of the run, in place of steps
  OptimizerSettings optimizer;
  ScheduleSettings schedule;
  RateScale scale_learning_rate = RateScale::kNone;
  std::optional<int64_t> reference_batch_size;  // the batch size that the learning rate was chosen for
  double clip_norm = 1.0;                       // largest L2 norm of the gradient; 0: not clipped
  Precision precision = Precision::kAuto;
  std::optional<int64_t> read_every;  // steps between two reads of losses from the device
  bool profile = false;
  std::optional<double> average_decay;      // of a running average of the weights
  std::optional<double> skip_spikes_above;  // standard deviations above the mean of the gradient norm
  int64_t max_skipped_steps = 10;           // in a row, after which the run has diverged
  OnDivergence on_divergence = OnDivergence::kStop;
  double rollback_rate_factor = 0.5;  // each rollback multiplies the rate by it
  int64_t max_rollbacks = 3;
  Period log_every = 50;  // between lines of metrics.jsonl
};

}  // namespace charrnn
