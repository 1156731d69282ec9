// The validation loss of a run: its best value, how long ago that was, and what the learning rate makes of
// it.
#pragma once

#include <optional>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/evaluate/loss.h"
#include "charrnn/train/plateau.h"
#include "charrnn/train/trainer.h"

namespace charrnn {

class Validation {
 public:
  // Both must outlive it.
  Validation(const Settings& settings, const CorpusFolder& corpus) : settings_(settings), corpus_(corpus) {}

  struct Value {
    Loss loss;
    bool is_best = false;
    bool cuts_rate = false;  // train.schedule plateau
  };
  // Every rank calls it. nullopt without a validation split, or if a stop was requested in between: then
  // is_postponed().
  std::optional<Value> evaluate(Trainer& trainer, const CharRnn& model, Communicator& comm, StopToken stop);

  bool is_postponed() const { return fields_.is_postponed; }
  double best_loss() const { return fields_.best_loss; }  // nats; 0 before the first value
  int64_t values_since_best() const { return fields_.values_since_best; }
  bool is_out_of_patience() const;
  double rate_factor() const;  // what train.schedule plateau left of the learning rate

  void save(SavedStates& saved) const;
  void restore(const SavedStates& saved);

 private:
  struct Fields {
    double best_loss = 0;
    int64_t values_since_best = 0;
    bool is_postponed = false;

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("best_loss", fields.best_loss);
      v("values_since_best", fields.values_since_best);
      v("is_postponed", fields.is_postponed);
    }
  };

  const Settings& settings_;
  const CorpusFolder& corpus_;
  Fields fields_;
  Plateau plateau_;
};

}  // namespace charrnn
