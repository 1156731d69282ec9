// A character-level language model: one-hot or embedding input, L recurrent layers with dropout after each, a
// linear head. Ids go in, logits over the vocabulary come out; the state is carried by the caller.
//
// Sizes: B lanes, T characters, V vocabulary, E embedding, H hidden, L layers.
// Names, shapes and gate order are those of PyTorch's nn.Embedding, nn.LSTM (i, f, g, o) and nn.Linear:
//   embedding.weight (V, E)          only with model.input: embedding; with one_hot, E = V below
//   rnn.weight_ih_lK (4H, E or H), rnn.weight_hh_lK (4H, H), rnn.bias_ih_lK (4H), rnn.bias_hh_lK (4H)
//   head.weight (V, H), head.bias (V)
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <tuple>

#include "config/settings.h"
#include "model/dropout.h"
#include "model/parameters.h"

namespace charrnn {

// Hidden and cell state of every layer for some lanes.
struct RnnState {
  at::Tensor h;  // (L, B, H)
  at::Tensor c;  // (L, B, H)
};

class CharRnn {
 public:
  CharRnn(const ModelSettings& settings, int64_t vocabulary_size, at::ScalarType type = at::kFloat,
          at::Device device = at::kCPU);

  // Draws weights as PyTorch does: nn.Embedding normal(0, 1), nn.LSTM and nn.Linear uniform(-k, k) with
  // k = 1 / sqrt(H); then the forget gate's biases are set to forget_bias in all (Jozefowicz et al. 2015).
  void initialize(uint64_t seed);

  RnnState zero_state(int64_t lanes) const;

  // ids (B, T) of int64 -> logits (B, T, V). `state` goes in and comes out; its gradient is not cut here.
  // Dropout is on when a key is given.
  at::Tensor forward(const at::Tensor& ids, RnnState& state,
                     const std::optional<DropoutKey>& dropout_key) const;

  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const ModelSettings& settings() const { return settings_; }
  int64_t vocabulary_size() const { return vocabulary_size_; }
  at::Device device() const { return parameters_.values().device(); }

  static int64_t parameter_count(const ModelSettings& settings, int64_t vocabulary_size);

 private:
  // One layer over x (B, T, I) -> output, h, c; h and c (1, B, H).
  std::tuple<at::Tensor, at::Tensor, at::Tensor> run_layer(int64_t layer, const at::Tensor& x,
                                                           const RnnState& state, bool training) const;

  ModelSettings settings_;
  int64_t vocabulary_size_;
  Parameters parameters_;
};

}  // namespace charrnn
