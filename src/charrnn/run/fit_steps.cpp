#include "charrnn/run/fit_steps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "charrnn/comm/agreement.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/core/running_clock.h"
#include "charrnn/evaluate/evaluator.h"
#include "charrnn/generate/sampler.h"
#include "charrnn/train/lane_settings.h"
#include "charrnn/train/trainer.h"

namespace charrnn {
namespace {

constexpr int kUnmeasuredSteps = 3;   // the first ones allocate
constexpr int64_t kStepsOnAGpu = 10;  // timed at once
constexpr double kTrialShare = 0.04;  // of the time, spent on timing steps
constexpr double kLongestTrial = 10;  // seconds
constexpr double kMostSteps = 1e12;
constexpr int64_t kTrialSample = 30;  // characters

double time_step(double trial_seconds, const Settings& settings, const CorpusFolder& corpus, CharRnn& model,
                 Communicator& comm, StopToken stop) {
  Settings trial_settings = settings;
  trial_settings.train.schedule.warmup_steps = 0;
  trial_settings.train.profile = false;
  // Steps that end with a read, which waits for the device, can be timed: each one on the CPU; as many as the
  // run reads at once on a GPU, where the host queues steps ahead.
  const int64_t block = model.device() == at::kCPU ? 1 : settings.train.read_every.value_or(kStepsOnAGpu);
  trial_settings.train.read_every = block;
  Trainer trial(trial_settings, 1, model, comm, corpus.require_split("train"), stop);
  const auto run_block = [&] {
    for (int64_t i = 0; i < block; ++i) trial.step();
  };
  const at::Tensor initial = model.parameters().values().clone();
  for (int64_t done = 0; done < kUnmeasuredSteps; done += block) run_block();
  // The median: a machine that is busy with something else for a moment does not count.
  const Clock::time_point begin = Clock::now();
  std::vector<double> times;
  for (std::array<int64_t, 1> more{1}; more[0] != 0;) {
    const RunningClock::Time before = running_clock().now();
    run_block();
    times.push_back(running_clock().seconds_since(before) / static_cast<double>(block));
    more[0] =
        comm.rank() == 0 && seconds_since(begin) < trial_seconds && trial.stop_reason() == StopReason::kNone
            ? 1
            : 0;
    comm.all_reduce_max(more);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<ptrdiff_t>(times.size() / 2), times.end());
  const double step_seconds = times[times.size() / 2];
  trial.settle();
  model.parameters().values().copy_(initial);
  return step_seconds;
}

double time_evaluation(const Settings& settings, const CorpusFolder& corpus, const CharRnn& model,
                       Communicator& comm, StopToken stop) {
  const SplitInfo* valid = corpus.split("valid");
  if (valid == nullptr || !settings.evaluate.every.is_on()) return 0;
  const Clock::time_point begin = Clock::now();
  evaluate(model, *valid, settings.evaluate.lanes, comm, {}, stop);
  return seconds_since(begin);
}

double time_samples(const Settings& settings, const CorpusFolder& corpus, const CharRnn& model) {
  if (!settings.sample.every.is_on()) return 0;
  const Clock::time_point begin = Clock::now();
  Sampler(model, corpus.vocabulary(), corpus.has_targets()).text("", kTrialSample, {});
  const auto samples = settings.sample.prefixes.size() * settings.sample.temperatures.size();
  return seconds_since(begin) / static_cast<double>(kTrialSample) *
         static_cast<double>(settings.sample.length) * static_cast<double>(samples);
}

double per_step(double seconds, const Period& every, double steps_per_epoch) {
  return every.is_on() ? seconds / every.steps(steps_per_epoch) : 0;
}

}  // namespace

FittedSteps fit_steps(double seconds, const Settings& settings, const CorpusFolder& corpus, CharRnn& model,
                      Communicator& comm, StopToken stop) {
  const Clock::time_point start = Clock::now();
  FittedSteps fitted;
  fitted.step_seconds =
      time_step(std::min(kTrialShare * seconds, kLongestTrial), settings, corpus, model, comm, stop);
  const double evaluation = time_evaluation(settings, corpus, model, comm, stop);
  const double samples = comm.rank() == 0 ? time_samples(settings, corpus, model) : 0;
  // An evaluation at the end, and samples at the start and the end, come whatever the number of steps.
  const double left = seconds - seconds_since(start) - evaluation - 2 * samples;
  const auto steps_per_epoch = static_cast<double>(
      reading_plan(corpus.require_split("train"), lane_options(settings)).steps_in_epoch(0));
  const double each = fitted.step_seconds + per_step(evaluation, settings.evaluate.every, steps_per_epoch) +
                      per_step(samples, settings.sample.every, steps_per_epoch);
  std::array<int64_t, 1> steps{comm.rank() == 0 ? std::llround(std::clamp(left / each, 1.0, kMostSteps)) : 0};
  comm.all_reduce_max(steps);
  fitted.steps = steps[0];
  agree_on_errors(comm, [&] {
    if (fitted.steps >= settings.train.schedule.warmup_steps) return;
    fail_usage("--fit-seconds ", seconds, " gives ", fitted.steps, " steps, fewer than the ",
               settings.train.schedule.warmup_steps,
               " of train.schedule.warmup_steps: take more seconds, a smaller model, or fewer warm-up steps");
  });
  return fitted;
}

}  // namespace charrnn
