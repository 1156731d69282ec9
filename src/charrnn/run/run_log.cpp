#include "charrnn/run/run_log.h"

#include <cmath>
#include <cstdio>
#include <numbers>

#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/number_text.h"
#include "charrnn/generate/pick.h"
#include "charrnn/run/event_file.h"
#include "charrnn/run/status_line.h"
#include "charrnn/text/utf8.h"

namespace charrnn {

RunLog::RunLog(const Settings& settings, const CorpusFolder& corpus, const RunFolder& folder,
               int64_t total_steps, Trainer& trainer, const Communicator& comm, Screen screen,
               RunningClock::Time started)
    : settings_(settings),
      corpus_(corpus),
      folder_(folder),
      total_steps_(total_steps),
      trainer_(trainer),
      comm_(comm),
      is_first_(comm.rank() == 0),
      screen_(std::move(screen)),
      pitfalls_(settings, corpus.baselines(), static_cast<int64_t>(corpus.vocabulary().size())),
      started_(started) {}

void RunLog::restore(const SavedStates& saved) {
  roll_back(saved);
  seconds_before_ = fields_.seconds;
}

void RunLog::roll_back(const SavedStates& saved) {
  fields_ = saved.get<Fields>("log");
  pitfalls_.restore(saved);
  skipped_reported_ = trainer_.progress().skipped;
  step_seconds_ = 0;
  step_characters_ = 0;
}

void RunLog::open_files(const SavedStates& saved) {
  files_ =
      RunFiles(folder_, saved, trainer_.progress().step, {checkpoint_line(false), checkpoint_line(true)});
}

void RunLog::event(const std::string& text) {
  if (!is_first_) return;
  screen_.end_status();
  log::warning(text);
  files_.add_metrics(event_json(moment(), text));
}

void RunLog::error(const std::string& text) {
  if (!is_first_) return;
  screen_.end_status();
  log::error(text);
}

void RunLog::start() {
  if (is_first_) pitfall(pitfalls_.at_start());
}

void RunLog::begin_step() {
  step_began_ = running_clock().now();
  characters_before_ = trainer_.progress().characters;
}

void RunLog::end_step() {
  step_seconds_ += running_clock().seconds_since(step_began_);
  step_characters_ += trainer_.progress().characters - characters_before_;
}

void RunLog::after_step() {
  report_skipped_steps();
  if (is_first_) pitfall(pitfalls_.after_step(trainer_.progress().step, trainer_.gradient_norm()));
  report_straggler();
  report_lost_output();
}

void RunLog::report_skipped_steps() {
  const Trainer::Progress& progress = trainer_.progress();
  const int64_t skipped = progress.skipped - skipped_reported_;
  if (skipped == 0) return;
  skipped_reported_ = progress.skipped;
  const Trainer::Skip& last = trainer_.last_skip();
  std::string reason = " loss or gradient is not finite";
  if (last.is_spike) {
    reason = concat(" gradient norm of ", last.norm, " is far above the mean of ", trainer_.norms().mean());
  } else if (settings_.train.precision == Precision::kFp16) {
    reason += ", or too large for train.precision fp16: the loss scale is halved";
  } else if (settings_.comm.gradient_type == GradientType::kFp16) {
    reason += ", or too large for comm.gradient_type fp16";
  }
  event(concat(skipped == 1 ? concat("step ", last.step, " was skipped: its")
                            : concat(skipped, " steps were skipped, the last one step ", last.step, ": its"),
               reason, " (", progress.skipped_in_a_row, " in a row, ", progress.skipped, " in all)"));
}

void RunLog::report_straggler() {
  const auto straggler = trainer_.step_times().find_straggler(settings_.comm.straggler_factor);
  if (!straggler) return;
  event(concat("rank ", straggler->rank, " (host ", comm_.host_of(straggler->rank), ") takes ",
               std::llround(straggler->seconds * 1e3), " ms for its work in a step, the median rank ",
               std::llround(straggler->median * 1e3),
               " ms, and all ranks wait for it: check what else runs on that host"));
}

// Reports each output that can no longer be written, once.
void RunLog::report_lost_output() {
  if (!is_first_) return;
  const char* const end = ": the run continues without it; metrics.jsonl has every number";
  if (const std::string reason = screen_.take_failure(); !reason.empty()) {
    event(concat("standard output cannot be written (", reason, ")", end));
  }
  if (std::ferror(stderr) != 0 && !is_error_output_lost_) {
    is_error_output_lost_ = true;
    event(concat("standard error cannot be written", end));
  }
  pitfall(files_.news());
  if (const std::string failure = files_.failure(); !failure.empty() && !is_file_error_reported_) {
    is_file_error_reported_ = true;
    error(failure + ": the run saves and stops");
  }
}

TrainLine RunLog::line_so_far() const {
  const Trainer::Progress& progress = trainer_.progress();
  const double rate = step_seconds_ > 0 ? static_cast<double>(step_characters_) / step_seconds_ : last_rate_;
  return {{progress.window_loss_sum, progress.window_count, 0, corpus_.vocabulary().unit()},
          trainer_.rate(),
          trainer_.gradient_norm(),
          rate,
          progress.skipped,
          progress.spikes,
          {}};
}

void RunLog::show(const TrainLine& line) {
  const double characters_left =
      static_cast<double>((total_steps_ - trainer_.progress().step) * settings_.train.batch_size) *
      settings_.train.sequence_length.mean();
  screen_.status(status_lines(moment(), line, total_steps_, corpus_.baselines(),
                              characters_left / line.characters_per_second));
}

void RunLog::refresh(bool always) {
  if (trainer_.progress().window_count > 0 && (always || screen_.wants_refresh())) show(line_so_far());
}

void RunLog::train_line() {
  if (trainer_.progress().window_count == 0) return;  // every step since the last line was skipped
  TrainLine line = line_so_far();
  line.work = trainer_.step_times().take_spread();
  trainer_.begin_window();
  fields_.last_loss = line.loss.nats();
  note_time();
  last_rate_ = line.characters_per_second;
  step_seconds_ = 0;
  step_characters_ = 0;
  if (!is_first_) return;
  files_.add_metrics(train_json(moment(), line));
  files_.add_event_record(event_record(wall_time(), trainer_.progress().step,
                                       {{"train/loss_nats", line.loss.nats()},
                                        {concat("train/", bits_key(line.loss.unit)), line.loss.bits()},
                                        {"train/learning_rate", line.learning_rate},
                                        {"train/gradient_norm", line.gradient_norm},
                                        {"train/characters_per_second", line.characters_per_second}}));
  show(line);
  pitfall(pitfalls_.after_line(trainer_.progress().step, line.loss));
}

void RunLog::valid_line(const Validation::Value& value, const Validation& validation) {
  note_time();
  if (!is_first_) return;
  const Loss& loss = value.loss;
  const int64_t step = trainer_.progress().step;
  files_.add_metrics(valid_json(moment(), loss, "valid"));
  files_.add_event_record(
      event_record(wall_time(), step,
                   {{"valid/loss_nats", loss.nats()}, {concat("valid/", bits_key(loss.unit)), loss.bits()}}));
  screen_.message(concat("step ", with_thousands(step), "  valid ", loss_text(loss, corpus_.baselines()),
                         value.is_best ? "  best so far\n" : "\n"));
  if (value.cuts_rate) {
    screen_.message(
        concat("plateau: the learning rate is now ", validation.rate_factor(), " times the schedule's\n"));
  }
  pitfall(
      pitfalls_.after_value(loss, fields_.last_loss, validation.best_loss(), validation.values_since_best()));
}

void RunLog::samples(const std::vector<Sample>& samples) {
  const int64_t step = trainer_.progress().step;
  std::string texts;
  std::string lines;
  std::string shown;
  for (const Sample& sample : samples) {
    texts += concat("--- step ", step, ", ", temperature_text(sample.temperature), "\n", sample.prefix,
                    corpus_.has_targets() ? " -> " : "", sample.text, "\n");
    lines += sample_json(moment(), sample.prefix, sample.temperature, sample.text);
    if (shown.empty()) shown = texts;
  }
  files_.add_samples(texts);
  files_.add_metrics(lines);
  if (samples.size() > 1) shown += "--- more samples in " + folder_.samples().string() + "\n";
  if (!shown.empty()) screen_.message(printable_text(shown));
  for (const Sample& sample : samples) {
    pitfall(pitfalls_.after_sample(step, fields_.last_loss, sample.text));
  }
}

std::string RunLog::checkpoint_line(bool is_best) const {
  return checkpoint_json(moment(), folder_.checkpoint(trainer_.progress().step).filename().string(), is_best);
}

void RunLog::save(SavedStates& saved, const std::string& checkpoint_line) const {
  saved.put("log", fields_);
  pitfalls_.save(saved);
  files_.save(saved, checkpoint_line);
}

bool RunLog::is_good() const {
  const double worst = 2 * corpus_.baselines().unigram_bits * std::numbers::ln2;  // nats
  const Trainer::Progress& progress = trainer_.progress();
  const bool window_is_good =
      progress.window_count == 0 || progress.window_loss_sum / progress.window_count <= worst;
  return progress.skipped_in_a_row == 0 && fields_.last_loss <= worst && window_is_good;
}

void RunLog::end(bool is_finished) {
  if (!is_first_) return;
  files_.flush();
  report_lost_output();
  if (has_file_failed()) {
    fail(is_finished ? "the run is finished and saved, but " : "the run ended because ", files_.failure(),
         ": check that disk (dmesg); the same command resumes from the last checkpoint");
  }
  if (files_.are_waiting()) {
    log::warning(concat("the disk of ", folder_.path(), " is full: the last lines of metrics.jsonl or ",
                        "samples.txt are lost"));
  }
}

RunMoment RunLog::moment() const {
  const Trainer::Progress& progress = trainer_.progress();
  return {progress.step, trainer_.epoch(), progress.characters, fields_.seconds};
}

void RunLog::pitfall(const std::optional<std::string>& line) {
  if (line) event(*line);
}

double RunLog::seconds_so_far() const {
  return seconds_before_ + running_clock().seconds_since(started_);
}

}  // namespace charrnn
