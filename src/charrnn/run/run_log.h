// The output of a run: the screen, warnings, metrics.jsonl, samples.txt, TensorBoard's event files, and
// advice on pitfalls. Every rank makes the same calls; rank 0 prints and writes, the others only keep the
// numbers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/config/settings.h"
#include "charrnn/core/running_clock.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/run/metrics.h"
#include "charrnn/run/pitfalls.h"
#include "charrnn/run/run_files.h"
#include "charrnn/run/samples.h"
#include "charrnn/run/screen.h"
#include "charrnn/run/validation.h"
#include "charrnn/train/trainer.h"

namespace charrnn {

class RunLog {
 public:
  // All must outlive it. `comm` has the hosts of ranks; its rank 0 prints. `started`: the start of the run's
  // seconds.
  RunLog(const Settings& settings, const CorpusFolder& corpus, const RunFolder& folder, int64_t total_steps,
         Trainer& trainer, const Communicator& comm, Screen screen, RunningClock::Time started);

  // Restore the numbers of a run that is resumed or rolled back. A rollback does not reset the time spent.
  void restore(const SavedStates& saved);
  void roll_back(const SavedStates& saved);
  // Opens the files at the lengths in `saved`, which may be empty.
  void open_files(const SavedStates& saved);

  void message(const std::string& text) { screen_.message(text); }  // only on the screen
  void end_status() { screen_.end_status(); }
  void event(const std::string& text);  // a warning, and a line of metrics.jsonl
  void error(const std::string& text);  // only on standard error

  void start();  // before the first step
  // Called around a step, to measure characters per second.
  void begin_step();
  void end_step();
  // Reports skipped steps, pitfalls, slow ranks and lost output.
  void after_step();
  void report_skipped_steps();
  // Writes the line about training since the last such line.
  void train_line();
  // Shows the numbers of the next line on the screen; if not `always`, only to update an old live status.
  void refresh(bool always);
  void valid_line(const Validation::Value& value, const Validation& validation);
  void samples(const std::vector<Sample>& samples);

  // Sets the time of the checkpoint that is about to be written.
  void note_time() { fields_.seconds = seconds_so_far(); }
  std::string checkpoint_line(bool is_best) const;
  // Saves into a checkpoint; once that is written, add() appends its line.
  void save(SavedStates& saved, const std::string& checkpoint_line) const;
  void add(const std::string& line) { files_.add_metrics(line); }
  void flush() { files_.flush(); }
  // Writes the files again if their folder was deleted or renamed; false if none is missing.
  bool restore_files() { return files_.restore(); }

  // Whether a rollback may return to this step: it was not skipped, and the loss is at most twice the unigram
  // baseline.
  bool is_good() const;
  bool has_file_failed() const { return !files_.failure().empty(); }
  // Throws Error if a file can still not be written.
  void end(bool is_finished);

 private:
  struct Fields {
    double seconds = 0;    // spent by the run until the last line or checkpoint
    double last_loss = 0;  // nats per target in the last line about training; 0 before the first

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("seconds", fields.seconds);
      v("last_loss", fields.last_loss);
    }
  };

  RunMoment moment() const;
  TrainLine line_so_far() const;
  void show(const TrainLine& line);
  void pitfall(const std::optional<std::string>& line);
  void report_straggler();
  void report_lost_output();
  double seconds_so_far() const;

  const Settings& settings_;
  const CorpusFolder& corpus_;
  const RunFolder& folder_;
  int64_t total_steps_;
  Trainer& trainer_;
  const Communicator& comm_;
  bool is_first_;

  Screen screen_;
  RunFiles files_;
  Pitfalls pitfalls_;
  Fields fields_;
  bool is_file_error_reported_ = false;
  bool is_error_output_lost_ = false;
  RunningClock::Time started_;
  double seconds_before_ = 0;  // spent by earlier processes of this run
  RunningClock::Time step_began_{};
  int64_t characters_before_ = 0;  // the step
  double step_seconds_ = 0;        // in steps alone, since the last line
  int64_t step_characters_ = 0;    // in those steps
  double last_rate_ = 0;           // characters per second
  int64_t skipped_reported_ = 0;   // steps
};

}  // namespace charrnn
