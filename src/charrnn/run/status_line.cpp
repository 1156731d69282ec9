#include "charrnn/run/status_line.h"

#include <cmath>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {
namespace {

std::string unknown_text(const Loss& loss) {
  return loss.unknown > 0 ? concat(", ", fixed(100 * loss.unknown_share(), 1), " % of the targets are <unk>")
                          : "";
}

}  // namespace

std::string loss_text(const Loss& loss, const Baselines& baselines) {
  return concat("loss ", fixed(loss.nats(), 3), " nats  ppl ", fixed(loss.perplexity(), 2), "  ",
                fixed(loss.bits(), 3), " ", bits_label(loss.unit), " (unigram ",
                fixed(baselines.unigram_bits, 2), ", bigram ", fixed(baselines.bigram_bits, 2), ")",
                unknown_text(loss));
}

std::vector<std::string> status_lines(const RunMoment& moment, const TrainLine& line, int64_t total_steps,
                                      const Baselines& baselines, double seconds_left) {
  const std::string step = concat("step ", with_thousands(moment.step), "/", with_thousands(total_steps));
  const std::string epoch = concat("  epoch ", fixed(moment.epoch, 2));
  const std::string nats = concat("  loss ", fixed(line.loss.nats(), 3), " nats");
  const std::string perplexity = concat("  ppl ", fixed(line.loss.perplexity(), 2));
  const std::string bits = concat("  ", fixed(line.loss.bits(), 3), " ", bits_label(line.loss.unit));
  const std::string pace =
      concat("  ", with_thousands(std::llround(line.characters_per_second)),
             line.loss.unit == Unit::kByte ? " byte/s  " : " char/s  ", duration_text(seconds_left), " left");
  return {concat(step, epoch, "  ", loss_text(line.loss, baselines), pace),
          step + epoch + nats + perplexity + bits + pace, step + nats + bits + pace, step + nats + pace};
}

}  // namespace charrnn
