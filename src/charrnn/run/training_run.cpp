#include "charrnn/run/training_run.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "charrnn/comm/agreement.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/counter_random.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/number_text.h"
#include "charrnn/core/stop_signal.h"
#include "charrnn/corpus/manifest.h"
#include "charrnn/evaluate/evaluator.h"
#include "charrnn/generate/sampler.h"
#include "charrnn/run/event_file.h"
#include "charrnn/run/fit_steps.h"
#include "charrnn/run/job_limit.h"
#include "charrnn/run/resume_rules.h"
#include "charrnn/run/run_checks.h"
#include "charrnn/text/utf8.h"
#include "charrnn/train/plateau.h"
#include "charrnn/train/schedule.h"

namespace charrnn {
namespace {

// ", of which <unk> is 3.1 % of the text": the loss counts it as a character like any other.
std::string unknown_share_text(const Vocabulary& vocabulary) {
  if (!vocabulary.has_unknown() || vocabulary.characters().front().count == 0) return "";
  double all = 0;
  for (const Vocabulary::Character& character : vocabulary.characters())
    all += static_cast<double>(character.count);
  const double share = static_cast<double>(vocabulary.characters().front().count) / all;
  return concat(", of which <unk> is ", std::round(1000 * share) / 10, " % of the text");
}

int64_t total_steps(const Settings& settings, const SplitInfo& train) {
  const TrainSettings& s = settings.train;
  return s.epochs ? reading_plan(train, lane_options(settings)).steps_for(*s.epochs) : s.steps.value();
}

// The model has its average weights as long as this lives, where that is asked for.
class WeightsInUse {
 public:
  WeightsInUse(Trainer& trainer, WeightsUsed which)
      : trainer_(which == WeightsUsed::kAverage ? &trainer : nullptr) {
    if (trainer_ != nullptr) trainer_->swap_average();
  }
  ~WeightsInUse() {
    if (trainer_ != nullptr) trainer_->swap_average();
  }
  WeightsInUse(const WeightsInUse&) = delete;
  WeightsInUse& operator=(const WeightsInUse&) = delete;

 private:
  Trainer* trainer_;
};

}  // namespace

TrainingRun::TrainingRun(const Config& config, const TrainOptions& options, Communicator& comm,
                         at::Device device, std::unique_ptr<RunClaim> claim)
    : config_(config),
      settings_(config_.settings),
      options_(options),
      comm_(comm),
      device_(device),
      is_first_(comm.rank() == 0),
      folder_(config.settings.run.output),
      claim_(std::move(claim)),
      screen_(config.settings.run.progress, comm.rank() == 0) {
  agree_on_errors(comm_, [&] { open_corpus(); });
  expect_equal(comm_, {{"the hash of the corpus", corpus_->hash()},
                       {"the hash of its vocabulary", corpus_->vocabulary().hash()}});
  const std::optional<Checkpoint> found = find_checkpoint();
  Progressed progress;
  agree_on_errors(comm_, [&] {
    settle_batch_size(found ? &*found : nullptr);
    if (found) go_on_from(*found);
  });
  if (found) progress = found->progress;
  model_.emplace(settings_.model, static_cast<int64_t>(corpus_->vocabulary().size()), at::kFloat, device_);
  if (!found) agree_on_errors(comm_, [&] { make_first_weights(); });
  if (options_.fit_seconds && !found) {
    const FittedSteps fitted = fit_steps(*options_.fit_seconds, in_force(), *corpus_, *model_, comm_);
    settings_.train.steps = fitted.steps;
    settings_.train.epochs.reset();
    screen_.message(concat("--fit-seconds ", *options_.fit_seconds, ": a step takes ",
                           std::llround(fitted.step_seconds * 1e3), " ms, so train.steps is ",
                           with_thousands(fitted.steps), "\n"));
  }
  const SplitInfo& train = corpus_->require_split("train");
  total_steps_ = total_steps(settings_, train);
  if (found && progress.step > total_steps_) {
    agree_on_errors(comm_, [&] {
      fail_usage("the run in ", settings_.run.output, " is at step ", progress.step, ", past the ",
                 total_steps_,
                 " steps of train.steps or train.epochs: give it more, or start another run (--set "
                 "run.output=FOLDER)");
    });
  }
  trainer_ = std::make_unique<Trainer>(in_force(), total_steps_, *model_, comm_, train, progress);
  if (found) {
    trainer_->restore_from(*found);
    report_rate_change(*found);
  }
  pitfalls_.emplace(settings_, corpus_->baselines(), model_->vocabulary_size());
  seconds_before_ = progress.seconds;
  skipped_said_ = progress.skipped;
  agree_on_errors(comm_, [&] { open_files(); });
  watch_job_limit();
}

void TrainingRun::open_corpus() {
  if (settings_.run.output.empty()) {
    fail_usage(config_.name, ": run.output is missing: name a folder for the run, such as runs/mine");
  }
  if (settings_.corpus.output.empty()) {
    fail_usage(config_.name, ": corpus.output is missing: name the folder that charrnn_preprocess wrote");
  }
  if (!settings_.train.steps && !settings_.train.epochs && !options_.fit_seconds) {
    fail_usage(config_.name, ": how long to train? Give train.steps or train.epochs, or --fit-seconds");
  }
  corpus_ = CorpusFolder::open(settings_.corpus.output);
  warn_of_other_corpus_settings();
  settings_.corpus = with_recipe_of(settings_.corpus.output, settings_.corpus);
  check_against_corpus(settings_, *corpus_);
  if (is_first_) folder_.refuse_foreign();
}

// With train.lanes_per_rank the ranks that start a run say how large its batch is; those that go on keep it.
void TrainingRun::settle_batch_size(const Checkpoint* found) {
  settings_ = with_lanes_of(settings_, comm_.size());
  if (settings_.train.lanes_per_rank && found != nullptr) {
    settings_.train.batch_size = found->settings.train.batch_size;
  }
  // A reader of its own checks B, T and the ranks against the shards before anything large is made.
  const BatchReader reader(corpus_->require_split("train"), lane_options(settings_), comm_.rank(),
                           comm_.size());
  check_groups(settings_.train, comm_.size());
}

// The corpus is trained on as it is; that the config would make another one now may be an oversight.
void TrainingRun::warn_of_other_corpus_settings() const {
  if (!is_first_) return;
  const std::string names = settings_that_differ(settings_.corpus.output, settings_.corpus);
  if (!names.empty()) {
    log::warning(concat("the corpus ", settings_.corpus.output, " was made with other values of ", names,
                        " than ", config_.name, " has now: charrnn_preprocess builds it again"));
  }
  if (settings_.evaluate.every.is_on() && config_.origins.contains("evaluate.every") &&
      corpus_->split("valid") == nullptr) {
    log::warning(concat("evaluate.every has no effect: the corpus ", settings_.corpus.output,
                        " has no validation split (corpus.split.valid)"));
  }
}

std::optional<Checkpoint> TrainingRun::find_checkpoint() {
  return share_checkpoint([&] {
    folder_.warn_of_lost();
    return folder_.newest();
  });
}

// Rank 0 picks and checks the file; the others get all of it but the tensors.
std::optional<Checkpoint> TrainingRun::share_checkpoint(
    const std::function<std::optional<Checkpoint>()>& pick) {
  std::optional<Checkpoint> found;
  agree_on_errors(comm_, [&] {
    if (is_first_) with_heartbeat(comm_, [&] { found = pick(); });
  });
  const std::string text =
      broadcast_text(comm_, found ? nlohmann::json(metadata_of(*found)).dump() : std::string());
  if (!is_first_ && !text.empty()) {
    found = from_metadata(nlohmann::json::parse(text).get<std::map<std::string, std::string>>(),
                          "rank 0's checkpoint");
  }
  return found;
}

Settings TrainingRun::in_force() const {
  Settings settings = settings_;
  if (settings.train.precision == Precision::kAuto) settings.train.precision = options_.automatic_precision;
  return settings;
}

// Drawn, or those of another run that has the same characters and shape: fine-tuning.
void TrainingRun::make_first_weights() {
  if (!is_first_) return;
  model_->initialize(static_cast<uint64_t>(settings_.run.seed));
  const std::string& from = settings_.train.start_from;
  if (from.empty()) return;
  const Checkpoint old = open_run(from);
  const Vocabulary vocabulary = Vocabulary::from_json(old.vocabulary_json, from);
  if (vocabulary.hash() != corpus_->vocabulary().hash()) {
    fail_usage("train.start_from ", from, " was trained with vocabulary ", vocabulary.hash().substr(0, 8),
               " (", vocabulary.size(), " characters), the corpus has ",
               corpus_->vocabulary().hash().substr(0, 8), " (", corpus_->vocabulary().size(),
               "): preprocess it with corpus.vocabulary.from: ", from);
  }
  load_weights(old, *model_);
  screen_.message(
      concat("starting from the weights of ", from, ", step ", with_thousands(old.progress.step), "\n"));
}

void TrainingRun::go_on_from(const Checkpoint& found) {
  if (options_.fit_seconds && found.settings.train.steps) {
    settings_.train.steps = found.settings.train.steps;
    settings_.train.epochs.reset();
  }
  refuse_fixed_changes(found, settings_, *corpus_);
  if (!is_first_) return;
  screen_.message(concat("resuming ", settings_.run.output, " from step ",
                         with_thousands(found.progress.step),
                         options_.fit_seconds ? ", with the train.steps that were fitted before\n" : "\n"));
  for (const std::string& change : changed_settings(found.settings, settings_)) {
    const std::string note = change.starts_with("train.lanes_per_rank")
                                 ? concat(": the run keeps its ", settings_.train.batch_size, " lanes")
                             : change.starts_with("train.start_from")
                                 ? ": no effect, the run has its weights already"
                                 : "";
    screen_.message(concat("  new value: ", change, note, "\n"));
  }
}

// New settings of the schedule, or of the length of the run that it stretches over, may make the rate jump.
void TrainingRun::report_rate_change(const Checkpoint& found) {
  const Progressed& progress = found.progress;
  const double factor = progress.rate_factor * progress.plateau.rate_factor;
  const auto rate = [&](const Settings& settings) {
    return factor * learning_rate(settings.train, progress.step,
                                  total_steps(settings, corpus_->require_split("train")));
  };
  const double before = rate(found.settings);
  const double now = rate(settings_);
  if (before == now) return;
  screen_.message(
      concat("  learning rate of step ", with_thousands(progress.step + 1), ": ", before, " -> ", now, "\n"));
}

void TrainingRun::open_files() {
  if (!is_first_) return;
  write_settings();
  const Progressed& progress = trainer_->progress();
  files_ = RunFiles(folder_, progress, {checkpoint_line(false), checkpoint_line(true)});
}

void TrainingRun::write_settings() {
  folder_.create(claim_->is_exclusive());
  claim_->keep();
  write_file_atomically(folder_.config(), kConfigMark + to_yaml(settings_));
  write_file_atomically(folder_.vocabulary(), corpus_->vocabulary().to_json());
}

std::string TrainingRun::checkpoint_line(bool is_best) const {
  const Progressed& progress = trainer_->progress();
  return checkpoint_json(progress, epoch(), folder_.checkpoint(progress.step).filename().string(), is_best);
}

void TrainingRun::print_start() {
  if (!is_first_) return;
  const SplitInfo& train = corpus_->require_split("train");
  std::string text = concat(
      "model     ", settings_.model.layers, " x ", enum_name(settings_.model.cell), " of ",
      settings_.model.hidden_size, ", ", with_thousands(model_->parameters().count()),
      " parameters\ncorpus    ", settings_.corpus.output, ": ",
      with_thousands(static_cast<int64_t>(train.characters)), " characters to train on, ",
      corpus_->vocabulary().size(), " in the vocabulary", unknown_share_text(corpus_->vocabulary()),
      "\nranks     ", comm_.size(), " (", comm_.backend(), "), ", device_.str(), ", ", at::get_num_threads(),
      " thread", at::get_num_threads() == 1 ? "" : "s", " each\nprecision ",
      enum_name(in_force().train.precision),
      settings_.train.precision == Precision::kAuto ? " (train.precision: auto)" : "", "\nrun       ",
      settings_.run.output, ": ", with_thousands(total_steps_), " steps of ", settings_.train.batch_size,
      " lanes x ", settings_.train.sequence_length.text(), " characters, ",
      trainer_->plan().steps_in_epoch(0), " steps an epoch\nsettings  all in ", folder_.config().string());
  if (trainer_->progress().step == 0) {
    text += "; other than the default:";
    for (const std::string& setting : changed_settings(Settings(), settings_)) {
      text += "\n  " + setting;
    }
  }
  screen_.message(text + "\n");
}

double TrainingRun::seconds_so_far() const {
  return seconds_before_ + running_clock().seconds_since(started_running_);
}

double TrainingRun::epoch() const {
  return trainer_->plan().epochs_at(trainer_->progress().position);
}

// Epochs are counted as they are read: due is the step that comes to the end of a whole number of periods.
bool TrainingRun::is_due(const Period& every) const {
  if (!every.is_on()) return false;
  const auto step = static_cast<double>(trainer_->progress().step);
  const double now = every.in_epochs ? epoch() : step;
  const double before = every.in_epochs ? epoch_before_ : step - 1;
  return std::floor(now / every.count) > std::floor(before / every.count);
}

void TrainingRun::watch_job_limit() {
  if (!is_first_ || !settings_.run.stop_before_limit) return;
  try {
    std::optional<double> seconds;
    with_heartbeat(comm_, [&] { seconds = seconds_to_job_end(); });
    job_limit_.reset();
    if (!seconds) return;
    if (*seconds < *settings_.run.stop_before_limit) {
      log::warning(concat("run.stop_before_limit is ", *settings_.run.stop_before_limit,
                          " s, and the job ends in ", *seconds, " s: the run stops now"));
    }
    job_limit_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                                    *seconds - *settings_.run.stop_before_limit));
  } catch (const Error& error) {
    log::warning(
        concat("run.stop_before_limit: ", error.what(), ". The run does not know when its job ends"));
  }
}

// Asks Slurm once more before it believes it: an administrator may have moved the limit.
bool TrainingRun::is_job_limit_near() {
  if (!job_limit_ || Clock::now() < *job_limit_) return false;
  if (!is_job_limit_confirmed_) {
    watch_job_limit();
    is_job_limit_confirmed_ = job_limit_ && Clock::now() >= *job_limit_;
  }
  return is_job_limit_confirmed_;
}

// Rank 0 looks at the clocks for all.
StopReason TrainingRun::own_reason_to_stop() {
  if (!is_first_) return StopReason::kNone;
  if (!files_.failure().empty()) return StopReason::kFileError;
  if (is_job_limit_near()) return StopReason::kTimeLimit;
  if (options_.max_seconds && seconds_since(started_) >= *options_.max_seconds)
    return StopReason::kMaxSeconds;
  return StopReason::kNone;
}

// A signal cut an evaluation or a sample short, on any rank: the run stops here, and makes it up when it goes
// on.
bool TrainingRun::is_something_put_off() const {
  const Progressed& progress = trainer_->progress();
  std::array<int64_t, 1> put_off{progress.evaluation_pending || progress.samples_pending ? 1 : 0};
  comm_.all_reduce_max(put_off);
  return put_off[0] != 0;
}

void TrainingRun::make_up() {
  if (trainer_->progress().evaluation_pending && evaluate_now()) save(true);
  if (trainer_->progress().samples_pending) sample_now();
}

bool TrainingRun::is_out_of_patience() const {
  return settings_.evaluate.patience &&
         trainer_->progress().values_since_best >= *settings_.evaluate.patience;
}

std::string TrainingRun::out_of_patience_text() const {
  if (!is_out_of_patience()) return "";
  return concat(" (", trainer_->progress().values_since_best,
                " validation values in a row were not the best: evaluate.patience)");
}

ExitCode TrainingRun::run() {
  const bool is_made_up = is_something_put_off();
  if (is_made_up) make_up();
  if (trainer_->progress().step >= total_steps_ || is_out_of_patience()) {
    screen_.message(concat("the run in ", settings_.run.output, " has finished its ",
                           with_thousands(std::min(total_steps_, trainer_->progress().step)), " steps",
                           out_of_patience_text(), ": raise ",
                           is_out_of_patience() ? "evaluate.patience" : "train.steps or train.epochs",
                           " to go on, or name another run.output\n"));
    return ExitCode::kFinished;
  }
  print_start();
  report_pitfall(pitfalls_->at_start(trainer_->progress()));
  if (trainer_->progress().step == 0 && settings_.sample.every.is_on() && !is_made_up) sample_now();
  if (is_something_put_off()) {
    save(false, Attempt::kLast);
    report_stop(StopReason::kSignal);
    return ExitCode::kSaved;
  }
  const ExitCode code = step_until_done();
  end_files();
  return code;
}

ExitCode TrainingRun::step_until_done() {
  while (trainer_->progress().step < total_steps_) {
    const Progressed& progress = trainer_->progress();  // of this step's trainer: a rollback makes another
    if (options_.max_steps && progress.step >= *options_.max_steps) {
      screen_.message(concat("already at step ", with_thousands(progress.step), ", --max-steps is ",
                             with_thousands(*options_.max_steps), "\n"));
      return ExitCode::kFinished;
    }
    trainer_->ask_to_stop(own_reason_to_stop());
    epoch_before_ = epoch();
    const RunningClock::Time begin = running_clock().now();
    const int64_t characters_before = progress.characters;
    trainer_->step();
    ++steps_made_;

    const bool is_last = progress.step == total_steps_;
    const auto comes = [&](const Period& every) { return every.is_on() && (is_last || is_due(every)); };
    const bool logs = is_last || is_due(settings_.train.log_every);
    const bool evaluates = comes(settings_.evaluate.every);
    const bool samples = comes(settings_.sample.every);
    const bool saves = is_last || is_due(settings_.checkpoint.every);
    const bool is_max_step = options_.max_steps && progress.step >= *options_.max_steps;
    const bool stops = is_max_step || trainer_->stop_reason() != StopReason::kNone;
    if (logs || evaluates || samples || saves || stops) trainer_->settle();
    step_seconds_ += running_clock().seconds_since(begin);
    step_characters_ += progress.characters - characters_before;
    if (!report_skipped_steps()) {
      if (roll_back()) continue;
      print_profile();
      return ExitCode::kDiverged;
    }
    report_pitfall(pitfalls_->after_step(trainer_->progress(), trainer_->gradient_norm()));
    report_straggler();
    look_after_output();
    if (is_due(static_cast<double>(settings_.comm.check_replicas_every))) {
      trainer_->settle();
      trainer_->check_replicas();
    }

    const StopReason reason = is_last ? StopReason::kNone : trainer_->stop_reason();
    const bool stops_here = is_max_step || reason == StopReason::kMaxSeconds;
    bool interrupted =
        reason == StopReason::kSignal || reason == StopReason::kTimeLimit || reason == StopReason::kFileError;
    if (logs) {
      log_step();
    } else if (progress.window_count > 0 && (stops_here || screen_.wants_refresh())) {
      show(line_so_far());
    }
    const bool is_best = evaluates && evaluate_now();
    if (samples) sample_now();
    if ((evaluates || samples) && is_something_put_off()) interrupted = true;
    const bool gives_up = is_out_of_patience();
    if (gives_up && !logs) log_step();
    const bool is_end = is_last || stops_here || interrupted || gives_up;
    if (saves || is_best || is_end) save(is_best, is_end ? Attempt::kLast : Attempt::kMoreFollow);
    if (interrupted) {
      print_profile();
      report_stop(reason);
      return ExitCode::kSaved;
    }
    if (gives_up) break;
    if (stops_here && !is_last) {
      print_profile();
      screen_.message(concat("stopped after step ", with_thousands(progress.step), " as asked, saved\n"));
      return ExitCode::kFinished;
    }
  }
  const Progressed& progress = trainer_->progress();
  screen_.end_status();
  print_profile();
  screen_.message(
      concat("finished after ", with_thousands(progress.step), " steps", out_of_patience_text(),
             progress.best_loss > 0 ? concat(", best validation ", progress.best_loss, " nats") : "",
             "; now: charrnn_sample ", settings_.run.output, "\n"));
  return ExitCode::kFinished;
}

void TrainingRun::print_profile() {
  screen_.end_status();
  if (settings_.train.profile) screen_.message(trainer_->profile().text());
}

void TrainingRun::report_stop(StopReason reason) {
  if (!is_first_ || reason == StopReason::kFileError) return;
  screen_.end_status();
  const std::string why = reason == StopReason::kTimeLimit ? " before the job's time limit"
                          : stop_signal() != 0 ? " on request (" + signal_name(stop_signal()) + ")"
                                               : " on request";
  log::warning(concat("stopped", why, " after step ", trainer_->progress().step,
                      ", saved: the same command goes on from there"));
}

bool TrainingRun::report_skipped_steps() {
  const Progressed& progress = trainer_->progress();
  const int64_t skipped = progress.skipped - skipped_said_;
  if (skipped == 0) return true;
  skipped_said_ = progress.skipped;
  const Trainer::Skip& last = trainer_->last_skip();
  const bool is_fp16 = settings_.comm.gradient_type == GradientType::kFp16;
  const bool is_scaled = settings_.train.precision == Precision::kFp16;
  report_event(concat(
      skipped == 1 ? concat("step ", last.step, " was skipped: its")
                   : concat(skipped, " steps were skipped, the last of them ", last.step, ": its"),
      last.is_spike
          ? concat(" gradient norm of ", last.norm, " lies far above the mean of ", progress.norms.mean)
          : concat(" loss or gradient is not finite",
                   is_scaled ? ", or too large for train.precision fp16: the loss scale is halved"
                   : is_fp16 ? ", or too large for comm.gradient_type fp16"
                             : ""),
      " (", progress.skipped_in_a_row, " in a row, ", progress.skipped, " in all)"));
  if (!trainer_->has_diverged()) return true;
  if (is_first_) {
    screen_.end_status();
    const bool rolls_back = settings_.train.on_divergence == OnDivergence::kRollback;
    log::error(concat("diverged: ", settings_.train.max_skipped_steps, " steps in a row were skipped",
                      rolls_back ? ""
                                 : concat("; lower train.optimizer.learning_rate, ",
                                          settings_.train.clip_norm > 0 ? "lower train.clip_norm"
                                                                        : "set train.clip_norm: 1",
                                          ", or set train.on_divergence: rollback, and start from the last "
                                          "checkpoint")));
  }
  return false;
}

bool TrainingRun::roll_back() {
  const Progressed diverged = trainer_->progress();
  if (settings_.train.on_divergence != OnDivergence::kRollback) return false;
  if (diverged.rollbacks >= settings_.train.max_rollbacks) {
    if (is_first_)
      log::error(concat("no rollback: there were ", diverged.rollbacks, " (train.max_rollbacks)"));
    return false;
  }
  trainer_->settle();
  const std::optional<Checkpoint> good =
      share_checkpoint([&] { return folder_.newest_good(diverged.rollback_step); });
  if (!good) {
    if (is_first_) log::error("no rollback: no checkpoint from before the divergence is there");
    return false;
  }
  Progressed progress = good->progress;
  progress.rollbacks = diverged.rollbacks + 1;
  progress.rollback_step = progress.step;
  progress.rate_factor = diverged.rate_factor * settings_.train.rollback_rate_factor;
  trainer_.reset();  // before the next one watches the same weights
  trainer_ = std::make_unique<Trainer>(in_force(), total_steps_, *model_, comm_,
                                       corpus_->require_split("train"), progress);
  trainer_->restore_from(*good);
  agree_on_errors(comm_, [&] {
    if (is_first_) folder_.remove_after(progress.step);
    files_.flush();
    open_files();
  });
  step_seconds_ = 0;
  step_characters_ = 0;
  skipped_said_ = progress.skipped;
  report_event(concat("rollback ", progress.rollbacks, ": resuming from step ", progress.step,
                      " with the learning rate times ", progress.rate_factor));
  save(false);  // so that a run that is killed now remembers it
  return true;
}

void TrainingRun::report_straggler() {
  const auto straggler = trainer_->step_times().find_straggler(settings_.comm.straggler_factor);
  if (!straggler) return;
  report_event(concat("rank ", straggler->rank, " (host ", comm_.host_of(straggler->rank), ") works ",
                      std::llround(straggler->seconds * 1e3), " ms on a step, the median rank ",
                      std::llround(straggler->median * 1e3),
                      " ms, and all wait for it: look at what else runs there"));
}

TrainLine TrainingRun::line_so_far() const {
  const Progressed& progress = trainer_->progress();
  const double rate = step_seconds_ > 0 ? static_cast<double>(step_characters_) / step_seconds_ : last_rate_;
  return {{progress.window_loss_sum, progress.window_count, 0, corpus_->vocabulary().unit()},
          epoch(),
          trainer_->rate(),
          trainer_->gradient_norm(),
          rate,
          progress.skipped,
          progress.spikes,
          {}};
}

void TrainingRun::show(const TrainLine& line) {
  const Progressed& progress = trainer_->progress();
  const double characters_left =
      static_cast<double>((total_steps_ - progress.step) * settings_.train.batch_size) *
      settings_.train.sequence_length.mean();
  screen_.status(status_lines(progress, line, total_steps_, corpus_->baselines(),
                              characters_left / line.characters_per_second));
}

void TrainingRun::log_step() {
  Progressed& progress = trainer_->progress();
  if (progress.window_count == 0) return;  // every step since the last line was skipped
  TrainLine line = line_so_far();
  line.work = trainer_->step_times().take_spread();
  progress.window_loss_sum = progress.window_count = 0;
  progress.last_loss = line.loss.nats();
  progress.seconds = seconds_so_far();
  last_rate_ = line.characters_per_second;
  step_seconds_ = 0;
  step_characters_ = 0;
  if (!is_first_) return;
  files_.add_metrics(train_json(progress, line));
  files_.add_event_record(event_record(wall_time(), progress.step,
                                       {{"train/loss_nats", line.loss.nats()},
                                        {concat("train/", bits_key(line.loss.unit)), line.loss.bits()},
                                        {"train/learning_rate", line.learning_rate},
                                        {"train/gradient_norm", line.gradient_norm},
                                        {"train/characters_per_second", line.characters_per_second}}));
  show(line);
  report_pitfall(pitfalls_->after_line(progress, line.loss));
}

bool TrainingRun::evaluate_now() {
  const SplitInfo* valid = corpus_->split("valid");
  if (valid == nullptr) return false;
  const WeightsInUse weights(*trainer_, settings_.evaluate.weights);
  const std::optional<Loss> found = evaluate(*model_, *valid, settings_.evaluate.lanes, comm_);
  Progressed& progress = trainer_->progress();
  progress.evaluation_pending = !found;
  if (!found) return false;
  const Loss& loss = *found;
  progress.seconds = seconds_so_far();
  const bool is_best =
      std::isfinite(loss.nats()) && (progress.best_loss == 0 || loss.nats() < progress.best_loss);
  if (is_best) progress.best_loss = loss.nats();
  progress.values_since_best = is_best ? 0 : progress.values_since_best + 1;
  const bool cuts_rate = settings_.train.schedule.name == ScheduleName::kPlateau &&
                         watch_plateau(progress.plateau, loss.nats(), settings_.train.schedule);
  if (is_first_) {
    files_.add_metrics(valid_json(progress, epoch(), loss, valid->name));
    files_.add_event_record(event_record(
        wall_time(), progress.step,
        {{"valid/loss_nats", loss.nats()}, {concat("valid/", bits_key(loss.unit)), loss.bits()}}));
    screen_.message(concat("step ", with_thousands(progress.step), "  valid ",
                           loss_text(loss, corpus_->baselines()), is_best ? "  best so far\n" : "\n"));
    if (cuts_rate) {
      screen_.message(concat("plateau: the learning rate goes on at ", progress.plateau.rate_factor,
                             " of the schedule's\n"));
    }
    report_pitfall(pitfalls_->after_value(progress, loss));
  }
  return is_best;
}

// Rank 0 samples; the others wait for it in the next step and hear that it works. All texts or none: a signal
// puts them off to when the run goes on.
void TrainingRun::sample_now() {
  Progressed& progress = trainer_->progress();
  progress.samples_pending = false;
  if (!is_first_ || settings_.sample.prefixes.empty()) return;  // a Sampler packs all weights
  const WeightsInUse weights(*trainer_, settings_.sample.weights);
  Sampler sampler(*model_, corpus_->vocabulary(), corpus_->has_targets());
  sampler.on_progress([&](auto, auto) { comm_.heartbeat(); });  // while it reads a long prefix
  const std::vector<std::string> prefixes = cleaned_prefixes(settings_);
  const auto& temperatures = settings_.sample.temperatures;
  std::string samples;
  std::string lines;
  std::string first;
  std::vector<std::string> texts;
  for (size_t p = 0; p < prefixes.size(); ++p) {
    for (size_t t = 0; t < temperatures.size(); ++t) {
      const SampleOptions options{
          .temperature = temperatures[t].value,
          .seed = random_bits(static_cast<uint64_t>(settings_.run.seed), Draw::kSample,
                              {static_cast<uint64_t>(progress.step), p, t}),
          .unknown = settings_.sample.unknown_characters};
      std::string text;
      progress.samples_pending =
          !sampler.go_on(prefixes[p], settings_.sample.length, options, [&](const std::string& next) {
            text += next;
            comm_.heartbeat();
            return stop_signal() == 0;
          });
      if (progress.samples_pending) return;
      samples += concat("--- step ", progress.step, ", ", temperature_text(options.temperature), "\n",
                        prefixes[p], corpus_->has_targets() ? " -> " : "", text, "\n");
      texts.push_back(text);
      lines += sample_json(progress, epoch(), prefixes[p], temperatures[t].value, text);
      if (first.empty()) first = samples;
    }
  }
  files_.add_samples(samples);
  files_.add_metrics(lines);
  if (texts.size() > 1) first += "--- more in " + folder_.samples().string() + "\n";
  if (!first.empty()) screen_.message(printable_text(first));
  for (const std::string& text : texts) report_pitfall(pitfalls_->after_sample(progress, text));
}

void TrainingRun::save(bool is_best, Attempt attempt) {
  Progressed& progress = trainer_->progress();
  progress.seconds = seconds_so_far();
  Checkpoint checkpoint;
  trainer_->save_to(checkpoint);
  std::string problem;
  agree_on_errors(comm_, [&] {
    if (!is_first_) return;
    try {
      return_to_folder();
      write(checkpoint, is_best);
    } catch (const DiskFullError& error) {
      if (attempt == Attempt::kLast) throw;
      problem = error.what();
    }
  });
  if (!problem.empty()) {
    report_event(concat("step ", progress.step, is_best ? ", the best so far," : "",
                        " could not be saved: ", problem,
                        ". The run continues, and tries again at the next checkpoint; those before stay"));
  }
}

void TrainingRun::write(Checkpoint& checkpoint, bool is_best) {
  Progressed& progress = trainer_->progress();
  const std::string line = checkpoint_line(is_best);
  files_.flush();
  checkpoint.settings = settings_;
  checkpoint.vocabulary_json = corpus_->vocabulary().to_json();
  checkpoint.corpus_hash = corpus_->hash();
  checkpoint.has_targets = corpus_->has_targets();
  checkpoint.baselines = corpus_->baselines();
  checkpoint.progress = progress;
  checkpoint.progress.metrics_bytes = files_.metrics_bytes() + line.size();
  checkpoint.progress.samples_bytes = files_.samples_bytes();
  if (is_good(progress, checkpoint.baselines)) checkpoint.progress.good_step = progress.step;
  with_heartbeat(comm_, [&] { folder_.save(checkpoint, is_best, settings_.checkpoint.keep); });
  progress = checkpoint.progress;
  files_.add_metrics(line);  // not before: what it records is there
}

// Somebody may delete or rename the folder while the run is on.
void TrainingRun::return_to_folder() {
  if (claim_->is_in_place()) return;
  try {
    claim_ = std::make_unique<RunClaim>(folder_.path());
  } catch (const Error& error) {
    fail("the run's folder was deleted or renamed during the run, and cannot be made again: ", error.what());
  }
  write_settings();
  if (!files_.restore()) return;  // only .lock was removed
  report_event(concat("the run's folder ", folder_.path(),
                      " was deleted, renamed or replaced during the run: ",
                      "it is made again, with all of metrics.jsonl and samples.txt; checkpoints from before ",
                      "are where it was moved to"));
}

// What takes nothing any more, once each.
void TrainingRun::look_after_output() {
  if (!is_first_) return;
  const char* const end = ": the run continues without it; metrics.jsonl has every number";
  if (const std::string reason = screen_.take_failure(); !reason.empty()) {
    report_event(concat("standard output cannot be written (", reason, ")", end));
  }
  if (std::ferror(stderr) != 0 && !is_error_output_lost_) {
    is_error_output_lost_ = true;
    report_event(concat("standard error cannot be written", end));
  }
  report_pitfall(files_.news());
  if (const std::string failure = files_.failure(); !failure.empty() && !is_file_error_said_) {
    is_file_error_said_ = true;
    screen_.end_status();
    log::error(failure + ": the run saves and stops");
  }
}

void TrainingRun::end_files() {
  agree_on_errors(comm_, [&] {
    if (!is_first_) return;
    files_.flush();
    look_after_output();
    if (const std::string failure = files_.failure(); !failure.empty()) {
      fail(trainer_->progress().step < total_steps_ ? "the run ended because "
                                                    : "the run is finished and saved, but ",
           failure, ": check that disk (dmesg); the same command continues from the last checkpoint");
    }
    if (files_.are_waiting()) {
      log::warning(concat("the disk of ", folder_.path(), " is full: the last lines of metrics.jsonl or ",
                          "samples.txt are lost"));
    }
  });
}

void TrainingRun::report_pitfall(const std::optional<std::string>& line) {
  if (line) report_event(*line);
}

void TrainingRun::report_event(const std::string& text) {
  if (!is_first_) return;
  screen_.end_status();
  log::warning(text);
  files_.add_metrics(event_json(trainer_->progress(), epoch(), text));
}

}  // namespace charrnn
