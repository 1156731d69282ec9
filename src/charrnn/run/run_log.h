// What a run tells people and records: the screen, warnings, metrics.jsonl, samples.txt, TensorBoard's event
// files, and advice on pitfalls. Every rank makes the same calls; rank 0 prints and writes, the others only
// keep the numbers.
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
  // All must outlive it. `comm` names the hosts of ranks; its rank 0 speaks. `started`: when the run's
  // seconds begin.
  RunLog(const Settings& settings, const CorpusFolder& corpus, const RunFolder& folder, int64_t total_steps,
         Trainer& trainer, const Communicator& comm, Screen screen, RunningClock::Time started);

  // The numbers of a run that is resumed; after a rollback too, except for the time spent.
  void restore(const SavedStates& saved);
  void roll_back(const SavedStates& saved);
  // Opens the files where the checkpoint of `saved`, which may be empty, left them.
  void open_files(const SavedStates& saved);

  void message(const std::string& text) { screen_.message(text); }  // for the screen alone
  void end_status() { screen_.end_status(); }
  void event(const std::string& text);  // a warning, and a line of metrics.jsonl
  void error(const std::string& text);  // for people alone

  void start();  // before the first step
  // Around a step, with all that belongs to it: what characters a second are counted from.
  void begin_step();
  void end_step();
  // Reports steps that were skipped, pitfalls, slow ranks, output that is lost.
  void after_step();
  void report_skipped_steps();
  // The line about training since the last one.
  void train_line();
  // Shows on the screen what the next line is about; if not `always`, only where a live status is stale.
  void refresh(bool always);
  void valid_line(const Validation::Value& value, const Validation& validation);
  void samples(const std::vector<Sample>& samples);

  // The moment of a checkpoint begins.
  void note_time() { fields_.seconds = seconds_so_far(); }
  std::string checkpoint_line(bool is_best) const;
  // Into a checkpoint, whose line add() appends once it is written.
  void save(SavedStates& saved, const std::string& checkpoint_line) const;
  void add(const std::string& line) { files_.add_metrics(line); }
  void flush() { files_.flush(); }
  // Writes the files again, if they went with a folder that was deleted or renamed; false if none did.
  bool restore_files() { return files_.restore(); }

  // A loss that a run may go back to: not amid skipped steps, and at most twice the unigram baseline.
  bool is_good() const;
  bool has_file_failed() const { return !files_.failure().empty(); }
  // Throws Error if what ended the writing of a file is not over.
  void end(bool is_finished);

 private:
  struct Fields {
    double seconds = 0;    // spent by the run, when a line or checkpoint was last made
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
