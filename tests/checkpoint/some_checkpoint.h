// A checkpoint of a small model, in which no field has its default value.
#pragma once

#include <gtest/gtest.h>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// One field of each type, with values that need all bits.
struct SomeState {
  bool flag = true;
  int64_t negative = -(int64_t{1} << 61) - 1;
  uint64_t large = (uint64_t{1} << 63) + 1;
  double fraction = 1.0 / 7.0;
  double whole = 300;

  template <class Self, class Visitor>
  static void visit(Self& state, const Visitor& v) {
    v("flag", state.flag);
    v("negative", state.negative);
    v("large", state.large);
    v("fraction", state.fraction);
    v("whole", state.whole);
  }
};

inline Checkpoint some_checkpoint(int64_t step = 1234) {
  Checkpoint checkpoint;
  checkpoint.settings.model = {
      .embedding_size = 5, .hidden_size = 7, .layers = 2, .dropout = 0.1, .output_dropout = {}};
  checkpoint.settings.train.batch_size = 4;
  checkpoint.settings.train.optimizer.learning_rate = 0.1 + 0.2;  // needs all 17 digits
  checkpoint.settings.run.output = "runs/a \"b\"";
  checkpoint.settings.run.seed = 99;
  std::vector<Vocabulary::Character> characters;
  for (char32_t letter = U'a'; letter < U'k'; ++letter) characters.push_back({letter, 1 + uint64_t{letter}});
  const Vocabulary vocabulary =
      Vocabulary::from_counts(characters, {.max_size = {}, .unknown = true}, Unit::kCodePoint);
  checkpoint.vocabulary_json = vocabulary.to_json();
  checkpoint.corpus_hash = "0123456789abcdef";
  checkpoint.baselines = {4.1, 1.0 / 3.0};
  checkpoint.step = step;
  checkpoint.is_good = true;
  checkpoint.saved.put("some", SomeState{});
  CharRnn model(checkpoint.settings.model, static_cast<int64_t>(vocabulary.size()));
  model.initialize(static_cast<uint64_t>(step));
  double shift = 0;
  for (const Parameters::Parameter& parameter : model.parameters().list()) {
    checkpoint.weights[parameter.name] = parameter.value.detach();
    checkpoint.moments["exp_avg"][parameter.name] = parameter.value.detach() + (shift += 0.5);
    checkpoint.moments["exp_avg_sq"][parameter.name] = parameter.value.detach().square();
  }
  checkpoint.state = {at::arange(2 * 4 * 7).to(at::kFloat).view({2, 4, 7}),
                      at::arange(2 * 4 * 7).to(at::kFloat).view({2, 4, 7}) * -2};
  return checkpoint;
}

}  // namespace charrnn
