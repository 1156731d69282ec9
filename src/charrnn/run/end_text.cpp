#include "charrnn/run/end_text.h"

#include "charrnn/core/number_text.h"

namespace charrnn {
namespace {

std::string patience_text(const Validation& validation) {
  if (!validation.is_out_of_patience()) return "";
  return concat(" (", validation.values_since_best(),
                " validation values in a row were not the best: evaluate.patience)");
}

}  // namespace

std::string end_text(RunEnd end, const Settings& settings, int64_t step, const Validation& validation) {
  if (end == RunEnd::kDiverged) return "";
  if (end == RunEnd::kAsked) return concat("stopped after step ", with_thousands(step), " as asked, saved\n");
  const double best = validation.best_loss();
  return concat("finished after ", with_thousands(step), " steps", patience_text(validation),
                best > 0 ? concat(", best validation ", best, " nats") : "", "; now: charrnn_sample ",
                settings.run.output, "\n");
}

std::string interruption_text(StopReason agreed, int64_t step, StopToken stop) {
  std::string reason = " on request";
  if (agreed == StopReason::kTimeLimit) {
    reason = " before the job's time limit";
  } else if (stop.signal() != 0) {
    reason += " (" + stop.reason() + ")";
  }
  return concat("stopped", reason, " after step ", step, ", saved: the same command resumes from there");
}

std::string nothing_left_text(const Settings& settings, int64_t steps, const Validation& validation) {
  return concat("the run in ", settings.run.output, " has finished its ", with_thousands(steps), " steps",
                patience_text(validation), ": raise ",
                validation.is_out_of_patience() ? "evaluate.patience" : "train.steps or train.epochs",
                " to continue, or name another run.output\n");
}

std::string advice_after_divergence(const TrainSettings& settings) {
  if (settings.on_divergence == OnDivergence::kRollback) return "";
  return concat("; lower train.optimizer.learning_rate, ",
                settings.clip_norm > 0 ? "lower train.clip_norm" : "set train.clip_norm: 1",
                ", or set train.on_divergence: rollback, and start from the last checkpoint");
}

}  // namespace charrnn
