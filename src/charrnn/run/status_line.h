// The losses of a run as text for the screen.
#pragma once

#include <string>
#include <vector>

#include "charrnn/evaluate/loss.h"
#include "charrnn/run/metrics.h"

namespace charrnn {

// "step 1,200/3,400  epoch 1.20  loss 1.620 nats  ppl 5.05  2.337 bits/char (unigram 4.77, bigram 3.54) ...",
// followed by shorter and shorter versions for narrow terminals.
std::vector<std::string> status_lines(const RunMoment& moment, const TrainLine& line, int64_t total_steps,
                                      const Baselines& baselines, double seconds_left);
std::string loss_text(const Loss& loss, const Baselines& baselines);

}  // namespace charrnn
