#include "charrnn/run/validation.h"

#include <cmath>

#include "charrnn/evaluate/evaluator.h"
#include "charrnn/run/weights_in_use.h"

namespace charrnn {

std::optional<Validation::Value> Validation::evaluate(Trainer& trainer, const CharRnn& model,
                                                      Communicator& comm, StopToken stop) {
  const SplitInfo* valid = corpus_.split("valid");
  if (valid == nullptr) return std::nullopt;
  const WeightsInUse weights(trainer, settings_.evaluate.weights);
  const std::optional<Loss> loss = charrnn::evaluate(model, *valid, settings_.evaluate.lanes, comm, {}, stop);
  fields_.is_postponed = !loss;
  if (!loss) return std::nullopt;
  const double nats = loss->nats();
  Value value{.loss = *loss};
  value.is_best = std::isfinite(nats) && (fields_.best_loss == 0 || nats < fields_.best_loss);
  if (value.is_best) fields_.best_loss = nats;
  fields_.values_since_best = value.is_best ? 0 : fields_.values_since_best + 1;
  value.cuts_rate =
      settings_.train.schedule.name == ScheduleName::kPlateau && plateau_.add(nats, settings_.train.schedule);
  return value;
}

bool Validation::is_out_of_patience() const {
  return settings_.evaluate.patience && fields_.values_since_best >= *settings_.evaluate.patience;
}

double Validation::rate_factor() const {
  return settings_.train.schedule.name == ScheduleName::kPlateau ? plateau_.rate_factor() : 1;
}

void Validation::save(SavedStates& saved) const {
  saved.put("validation", fields_);
  plateau_.save(saved);
}

void Validation::restore(const SavedStates& saved) {
  fields_ = saved.get<Fields>("validation");
  plateau_.restore(saved);
}

}  // namespace charrnn
