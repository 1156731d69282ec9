// What a run prints and records, from rank 0 (the other ranks make the same calls, which then do nothing):
// the lines of metrics.jsonl, one JSON object each, and the line on the screen.
#pragma once

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/evaluate/evaluator.h"
#include "charrnn/train/step_times.h"

namespace charrnn {

// The numbers of one line.
struct TrainLine {
  Loss loss;
  double epoch = 0;
  double learning_rate = 0;
  double gradient_norm = 0;
  double characters_per_second = 0;
  int64_t skipped_steps = 0;  // since the start of the run
  int64_t spikes = 0;         // of them
  StepTimes::Spread work{};   // of the steps since the last line
};

std::string train_json(const Progressed& progress, const TrainLine& line);
std::string valid_json(const Progressed& progress, double epoch, const Loss& loss, const std::string& split);
std::string sample_json(const Progressed& progress, double epoch, const std::string& prefix,
                        double temperature, const std::string& text);
std::string checkpoint_json(const Progressed& progress, double epoch, const std::string& file, bool is_best);
std::string event_json(const Progressed& progress, double epoch, const std::string& text);

// The line that is rewritten on a terminal, or printed line by line elsewhere.
class Screen {
 public:
  // Live where `choice` says so or, with auto, where standard output is a terminal. Under mpirun it is one
  // for every rank whatever happens to the output, so there mpirun's own is looked at.
  Screen(ProgressDisplay choice, bool speaks);

  // The longest of the lines that fits replaces the last status on a terminal; elsewhere the first is
  // printed.
  void status(const std::vector<std::string>& lines);
  void message(const std::string& text);  // stays; ends with a line end
  void end_status();                      // keeps the last status on the screen
  bool wants_refresh() const;             // a live status that is older than half a second

  // Why standard output could not be written, once; empty before and after. Nobody is lost with it: the
  // reader of a pipe may leave, a log's disk fill up.
  std::string take_failure();

 private:
  void print(const std::string& text);

  bool speaks_;
  bool live_;
  bool status_shown_ = false;
  bool has_failed_ = false;
  bool is_stuck_ = false;  // its reader took nothing, the last time
  std::string failure_;
  std::chrono::steady_clock::time_point last_status_{};
};

// "step 1,200/3,400  epoch 1.20  loss 1.620 nats  ppl 5.05  2.337 bits/char (unigram 4.77, bigram 3.54) ...",
// and the same with less and less in it, for narrow terminals.
std::vector<std::string> status_lines(const Progressed& progress, const TrainLine& line, int64_t total_steps,
                                      const Baselines& baselines, double seconds_left);
std::string loss_text(const Loss& loss, const Baselines& baselines);

}  // namespace charrnn
