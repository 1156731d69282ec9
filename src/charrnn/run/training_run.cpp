#include "charrnn/run/training_run.h"

#include <array>
#include <utility>

#include "charrnn/comm/agreement.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/number_text.h"
#include "charrnn/run/end_text.h"
#include "charrnn/run/shared_checkpoint.h"
#include "charrnn/run/start_text.h"
#include "charrnn/run/weights_in_use.h"

namespace charrnn {

TrainingRun::TrainingRun(PreparedRun parts, const TrainOptions& options, Communicator& comm)
    : parts_(std::move(parts)),
      settings_(parts_.settings),
      options_(options),
      comm_(comm),
      is_first_(comm.rank() == 0),
      trainer_(with_precision(settings_, parts_.precision), parts_.total_steps, parts_.model, comm,
               parts_.corpus.require_split("train"), options.stop),
      validation_(settings_, parts_.corpus),
      log_(settings_, parts_.corpus, parts_.folder, parts_.total_steps, trainer_, comm,
           std::move(parts_.screen), parts_.started_running),
      keeper_(settings_, parts_.corpus, parts_.folder, std::move(parts_.claim), comm),
      stop_rules_(settings_, options, parts_.total_steps, comm, parts_.started),
      periods_(settings_, parts_.total_steps, 0) {
  const SavedStates nothing;
  if (parts_.found) {
    restore(*parts_.found);
    agree_on_errors(comm_, [&] {
      rollback_.restore(parts_.found->saved);
      log_.restore(parts_.found->saved);
    });
    log_.message(rate_change_text(parts_, rollback_.rate_factor() * validation_.rate_factor()));
  }
  set_rate();
  agree_on_errors(comm_, [&] {
    if (!is_first_) return;
    keeper_.write_settings();
    log_.open_files(parts_.found ? parts_.found->saved : nothing);
  });
  parts_.found.reset();  // its tensors
}

void TrainingRun::restore(const Checkpoint& checkpoint) {
  trainer_.restore_from(checkpoint);
  agree_on_errors(comm_, [&] {
    validation_.restore(checkpoint.saved);
    are_samples_postponed_ = checkpoint.saved.get<PostponedSamples>("samples").are_postponed;
  });
  periods_.go_back_to(trainer_.epoch());
}

void TrainingRun::set_rate() {
  trainer_.set_rate_factor(rollback_.rate_factor() * validation_.rate_factor());
}

// What a signal left undone is made up first.
std::optional<RunEnd> TrainingRun::start() {
  const bool was_postponed = is_something_postponed();
  if (validation_.is_postponed() && evaluate()) save(true);
  if (are_samples_postponed_) sample();
  const int64_t step = trainer_.progress().step;
  if (step >= parts_.total_steps || validation_.is_out_of_patience()) {
    log_.message(nothing_left_text(settings_, std::min(parts_.total_steps, step), validation_));
    return step >= parts_.total_steps ? RunEnd::kComplete : RunEnd::kOutOfPatience;
  }
  if (is_first_) log_.message(start_text(parts_, trainer_, comm_));
  log_.start();
  if (step == 0 && settings_.sample.every.is_on() && !was_postponed) sample();
  if (is_something_postponed()) {
    save(false, RunEnd::kInterrupted);
    return finish(RunEnd::kInterrupted);
  }
  if (!options_.max_steps || step < *options_.max_steps) return std::nullopt;
  log_.message(concat("already at step ", with_thousands(step), ", --max-steps is ",
                      with_thousands(*options_.max_steps), "\n"));
  return leave(RunEnd::kAsked);
}

RunEnd TrainingRun::run() {
  if (const std::optional<RunEnd> end = start()) return *end;
  for (;;) {
    trainer_.ask_to_stop(stop_rules_.reason(log_.has_file_failed()));
    log_.begin_step();
    trainer_.step();
    ++steps_made_;
    const int64_t step = trainer_.progress().step;
    const Due due = periods_.after(step, trainer_.epoch());
    if (due.any() || stop_rules_.stops_after(step, trainer_.stop_reason())) trainer_.settle();
    log_.end_step();
    if (trainer_.has_diverged()) {
      if (!roll_back()) return finish(RunEnd::kDiverged);
      continue;
    }
    log_.after_step();
    if (due.check_replicas) trainer_.check_replicas();
    const StopReason reason = trainer_.stop_reason();
    due.log ? log_.train_line() : log_.refresh(stop_rules_.is_asked_to_end(step, reason));
    const bool is_best = due.evaluate && evaluate();
    if (due.sample) sample();
    if (validation_.is_out_of_patience() && !due.log) log_.train_line();
    const bool is_postponed = (due.evaluate || due.sample) && is_something_postponed();
    const std::optional<RunEnd> end =
        stop_rules_.end_after(step, reason, is_postponed, validation_.is_out_of_patience());
    if (due.save || is_best || end) save(is_best, end);
    if (end) return finish(*end);
  }
}

bool TrainingRun::evaluate() {
  const std::optional<Validation::Value> value =
      validation_.evaluate(trainer_, parts_.model, comm_, options_.stop);
  if (!value) return false;
  set_rate();
  log_.valid_line(*value, validation_);
  return value->is_best;
}

// Rank 0 samples; the others wait for it in the next step.
void TrainingRun::sample() {
  are_samples_postponed_ = false;
  if (!is_first_ || settings_.sample.prefixes.empty()) return;
  const WeightsInUse weights(trainer_, settings_.sample.weights);
  const std::optional<std::vector<Sample>> samples =
      draw_samples(parts_.model, parts_.corpus, settings_, trainer_.progress().step, comm_, options_.stop);
  are_samples_postponed_ = !samples;
  if (samples) log_.samples(*samples);
}

// A signal cut an evaluation or samples short: the run stops, and makes up for them when it is resumed.
bool TrainingRun::is_something_postponed() const {
  std::array<int64_t, 1> postponed{validation_.is_postponed() || are_samples_postponed_ ? 1 : 0};
  comm_.all_reduce_max(postponed);
  return postponed[0] != 0;
}

bool TrainingRun::roll_back() {
  const TrainSettings& train = settings_.train;
  log_.report_skipped_steps();
  log_.error(concat("diverged: ", train.max_skipped_steps, " steps in a row were skipped",
                    advice_after_divergence(train)));
  if (train.on_divergence != OnDivergence::kRollback) return false;
  if (rollback_.is_exhausted(train)) {
    log_.error(concat("no rollback: there were ", rollback_.count(), " (train.max_rollbacks)"));
    return false;
  }
  trainer_.settle();
  const std::optional<Checkpoint> good =
      share_checkpoint(comm_, [&] { return parts_.folder.newest_good(rollback_.last_step()); });
  if (!good) {
    log_.error("no rollback: no checkpoint from before the divergence is there");
    return false;
  }
  restore(*good);
  rollback_.went_back_to(good->step, train);
  set_rate();
  log_.roll_back(good->saved);
  agree_on_errors(comm_, [&] {
    if (!is_first_) return;
    parts_.folder.remove_after(good->step);
    log_.flush();
    keeper_.write_settings();
    log_.open_files(good->saved);
  });
  log_.event(concat("rollback ", rollback_.count(), ": resuming from step ", good->step,
                    " with the learning rate times ", rollback_.rate_factor()));
  save(false);  // so that a run that is killed now remembers it
  return true;
}

// A full disk is an error only at the end: before, a later checkpoint may fit.
void TrainingRun::save(bool is_best, std::optional<RunEnd> end) {
  log_.note_time();
  Checkpoint checkpoint;
  trainer_.save_to(checkpoint);
  validation_.save(checkpoint.saved);
  checkpoint.saved.put("samples", PostponedSamples{are_samples_postponed_});
  std::string problem;
  agree_on_errors(comm_, [&] {
    if (!is_first_) return;
    try {
      keeper_.write(checkpoint, is_best, rollback_, log_);
    } catch (const DiskFullError& error) {
      if (end) throw;
      problem = error.what();
    }
  });
  if (!problem.empty()) {
    log_.event(concat("step ", checkpoint.step, is_best ? ", the best so far," : "",
                      " could not be saved: ", problem,
                      ". The run continues, and tries again at the next checkpoint; those before stay"));
  }
}

RunEnd TrainingRun::finish(RunEnd end) {
  log_.end_status();
  if (settings_.train.profile) log_.message(trainer_.profile().text());
  if (end != RunEnd::kInterrupted) {
    log_.message(end_text(end, settings_, trainer_.progress().step, validation_));
  } else if (is_first_ && trainer_.stop_reason() != StopReason::kFileError) {
    log::warning(interruption_text(trainer_.stop_reason(), trainer_.progress().step, options_.stop));
  }
  return leave(end);
}

RunEnd TrainingRun::leave(RunEnd end) {
  agree_on_errors(comm_, [&] { log_.end(trainer_.progress().step >= parts_.total_steps); });
  return end;
}

}  // namespace charrnn
