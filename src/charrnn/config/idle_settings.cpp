#include "charrnn/config/idle_settings.h"

#include <initializer_list>

#include "charrnn/config/config_printer.h"
#include "charrnn/core/error.h"

namespace charrnn {

void note_idle_settings(Config& config) {
  const Settings& s = config.settings;
  const ScheduleName schedule = s.train.schedule.name;
  const OptimizerName optimizer = s.train.optimizer.name;
  const bool is_adam = s.train.optimizer.is_adam();
  const bool is_sgd = optimizer == OptimizerName::kSgd;
  const bool rolls_back = s.train.on_divergence == OnDivergence::kRollback;
  const auto values = flatten(s);
  const auto defaults = flatten(Settings());
  struct Idle {
    const char* setting;
    bool is_idle;
    const char* needs;
  };
  for (const auto& [setting, is_idle, needs] : std::initializer_list<Idle>{
           {"train.optimizer.beta1", !is_adam, "train.optimizer.name: adam or adamw"},
           {"train.optimizer.beta2", !is_adam, "train.optimizer.name: adam or adamw"},
           {"train.optimizer.epsilon", is_sgd, "train.optimizer.name: adam, adamw or rmsprop"},
           {"train.optimizer.alpha", optimizer != OptimizerName::kRmsprop, "train.optimizer.name: rmsprop"},
           {"train.schedule.step_size", schedule != ScheduleName::kStep, "train.schedule.name: step"},
           {"train.schedule.factor", schedule != ScheduleName::kStep && schedule != ScheduleName::kPlateau,
            "train.schedule.name: step or plateau"},
           {"train.schedule.patience", schedule != ScheduleName::kPlateau, "train.schedule.name: plateau"},
           {"train.schedule.final_fraction",
            schedule != ScheduleName::kCosine && schedule != ScheduleName::kLinear &&
                schedule != ScheduleName::kPlateau,
            "train.schedule.name: cosine, linear or plateau"},
           {"train.rollback_rate_factor", !rolls_back, "train.on_divergence: rollback"},
           {"train.max_rollbacks", !rolls_back, "train.on_divergence: rollback"},
           {"train.reference_batch_size", s.train.scale_learning_rate == RateScale::kNone,
            "train.scale_learning_rate"},
           {"train.batch_size", s.train.lanes_per_rank.has_value(), "train.lanes_per_rank: none"},
           {"model.embedding_size", s.model.input != InputLayer::kEmbedding, "model.input: embedding"},
           {"model.forget_bias", s.model.cell != Cell::kLstm, "model.cell: lstm"},
           {"model.initial_scale", s.model.initial_weights != InitialWeights::kNormal,
            "model.initial_weights: normal"},
       }) {
    if (!is_idle || !config.origins.contains(setting) || values.at(setting) == defaults.at(setting)) continue;
    config.notes.push_back(concat(config.where(setting), ": ", setting, " has no effect without ", needs));
  }
}

}  // namespace charrnn
