// A whole run: starts or goes on in its folder, steps, and beside the steps logs, evaluates, samples and
// saves, until it is finished or told to stop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "charrnn/checkpoint/run_claim.h"
#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/comm/communicator.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/running_clock.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/run/metrics.h"
#include "charrnn/run/pitfalls.h"
#include "charrnn/run/run_files.h"
#include "charrnn/text/vocabulary.h"
#include "charrnn/train/trainer.h"

namespace charrnn {

// What the command line adds to the config.
struct TrainOptions {
  std::optional<double> fit_seconds;  // choose train.steps so that the run takes this long
  std::optional<int64_t> max_steps;   // stop after this step of the run
  std::optional<double> max_seconds;  // stop after so long in this process
  // What train.precision: auto is on this device.
  Precision automatic_precision = Precision::kFp32;
};

class TrainingRun {
 public:
  // Every rank constructs it, rank 0 with its claim on run.output. Throws AgreedError if corpus, config and
  // what is in the folder don't fit; until then nothing is touched.
  TrainingRun(const Config& config, const TrainOptions& options, Communicator& comm, at::Device device,
              std::unique_ptr<RunClaim> claim);

  // kFinished (also at max_steps or max_seconds), kSaved after a signal, or kDiverged.
  ExitCode run();

  int64_t steps_made() const { return steps_made_; }  // by this process

 private:
  void open_corpus();
  void settle_batch_size(const Checkpoint* found);
  void warn_of_other_corpus_settings() const;
  std::optional<Checkpoint> find_checkpoint();
  std::optional<Checkpoint> share_checkpoint(const std::function<std::optional<Checkpoint>()>& pick);
  Settings in_force() const;  // for the trainer: with the precision that auto stands for
  void make_first_weights();
  void go_on_from(const Checkpoint& found);
  void report_rate_change(const Checkpoint& found);
  void open_files();
  void print_start();

  void watch_job_limit();
  bool is_job_limit_near();

  bool is_out_of_patience() const;
  std::string out_of_patience_text() const;
  ExitCode step_until_done();
  bool is_something_put_off() const;  // every rank calls it
  void make_up();
  void print_profile();
  void report_stop(StopReason reason);
  bool report_skipped_steps();  // false where the run has diverged
  bool roll_back();             // false where that is not asked for, or was done too often
  void report_straggler();
  bool is_due(const Period& every) const;  // with the step just made
  TrainLine line_so_far() const;           // since the last line of metrics.jsonl
  void show(const TrainLine& line);
  void log_step();
  bool evaluate_now();  // true where it is the best so far
  void sample_now();
  // Throws if it cannot be saved; but if only the disk is full, and a later attempt follows, warns.
  enum class Attempt { kLast, kMoreFollow };
  void save(bool is_best, Attempt attempt = Attempt::kMoreFollow);
  void write(Checkpoint& checkpoint, bool is_best);
  void write_settings();
  std::string checkpoint_line(bool is_best) const;
  void return_to_folder();
  void look_after_output();
  void end_files();
  void report_event(const std::string& text);
  void report_pitfall(const std::optional<std::string>& line);
  double seconds_so_far() const;
  double epoch() const;
  StopReason own_reason_to_stop();

  Config config_;
  Settings& settings_;
  TrainOptions options_;
  Communicator& comm_;
  at::Device device_;
  bool is_first_;  // rank 0: speaks and writes

  std::optional<CorpusFolder> corpus_;
  RunFolder folder_;
  std::unique_ptr<RunClaim> claim_;  // on rank 0
  std::optional<CharRnn> model_;
  std::unique_ptr<Trainer> trainer_;
  std::optional<Pitfalls> pitfalls_;
  std::optional<Clock::time_point> job_limit_;  // when to stop before it; on rank 0
  bool is_job_limit_confirmed_ = false;
  int64_t total_steps_ = 0;

  Screen screen_;
  RunFiles files_;
  bool is_file_error_said_ = false;
  bool is_error_output_lost_ = false;
  Clock::time_point started_ = Clock::now();
  RunningClock::Time started_running_ = running_clock().now();
  int64_t steps_made_ = 0;
  double seconds_before_ = 0;    // spent by earlier processes of this run
  double step_seconds_ = 0;      // in steps alone, since the last line
  int64_t step_characters_ = 0;  // in those steps
  double epoch_before_ = 0;      // the last step
  double last_rate_ = 0;         // characters per second
  int64_t skipped_said_ = 0;     // skipped steps that were reported
};

}  // namespace charrnn
