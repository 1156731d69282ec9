// The lines of metrics.jsonl, each a JSON object.
#pragma once

#include <cstdint>
#include <string>

#include "charrnn/evaluate/loss.h"
#include "charrnn/train/step_times.h"

namespace charrnn {

// The progress of a run, with which every line begins.
struct RunMoment {
  int64_t step = 0;
  double epoch = 0;
  int64_t characters = 0;  // trained on
  double seconds = 0;      // spent until the last line or checkpoint
};

// The numbers of a line about training.
struct TrainLine {
  Loss loss;
  double learning_rate = 0;
  double gradient_norm = 0;
  double characters_per_second = 0;
  int64_t skipped_steps = 0;  // since the start of the run
  int64_t spikes = 0;         // skipped because of their gradient norm
  StepTimes::Spread work{};   // of the steps since the last line
};

std::string train_json(const RunMoment& moment, const TrainLine& line);
std::string valid_json(const RunMoment& moment, const Loss& loss, const std::string& split);
std::string sample_json(const RunMoment& moment, const std::string& prefix, double temperature,
                        const std::string& text);
std::string checkpoint_json(const RunMoment& moment, const std::string& file, bool is_best);
std::string event_json(const RunMoment& moment, const std::string& text);

}  // namespace charrnn
