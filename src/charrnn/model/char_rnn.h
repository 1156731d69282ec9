// A character-level language model: one-hot or embedding input, L recurrent layers with dropout after each, a
// linear head. Ids go in, logits over the vocabulary come out; the state is carried by the caller.
//
// Sizes: B lanes, T characters, V vocabulary, E embedding, H hidden, L layers.
// Names, shapes and gate order are those of PyTorch's nn.Embedding, nn.LSTM (G = 4 gates: i, f, g, o), nn.GRU
// (3: r, z, n) or nn.RNN (1), and nn.Linear:
//   embedding.weight (V, E)          only with model.input: embedding; with one_hot, E = V below
//   rnn.weight_ih_lK (GH, E or H), rnn.weight_hh_lK (GH, H), rnn.bias_ih_lK (GH), rnn.bias_hh_lK (GH)
//   head.weight (V, H), head.bias (V)   not with model.head: none; with tied_weights head.weight is
//   embedding.weight
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <utility>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/model/cpu/fast_layer.h"
#include "charrnn/model/dropout.h"
#include "charrnn/model/parameters.h"

namespace charrnn {

// Hidden and, of LSTMs, cell state of every layer for some lanes.
struct RnnState {
  at::Tensor h;  // (L, B, H)
  at::Tensor c;  // (L, B, H); undefined for other cells

  std::vector<std::pair<const char*, at::Tensor>> parts() const {
    if (c.defined()) return {{"h", h}, {"c", c}};
    return {{"h", h}};
  }
  // All parts as one tensor (1 or 2, L, B, H), which shares their memory where they lie so; and back.
  at::Tensor whole() const;
  static RnnState of(const at::Tensor& whole);
  // What CHANGE makes of each part.
  template <class Change>
  RnnState changed(const Change& change) const {
    return {change(h), c.defined() ? change(c) : at::Tensor()};
  }
};

// The lanes of all of them, one after the other.
RnnState join_lanes(const std::vector<RnnState>& states);

class CharRnn {
 public:
  CharRnn(const ModelSettings& settings, int64_t vocabulary_size, at::ScalarType type = at::kFloat,
          at::Device device = at::kCPU);

  // Draws weights as PyTorch does: nn.Embedding normal(0, 1), the layers and nn.Linear uniform(-k, k) with
  // k = 1 / sqrt(H); or normal(0, initial_scale) with biases of 0. Then the biases of an LSTM's forget gate
  // are set to forget_bias in all (Jozefowicz et al. 2015).
  void initialize(uint64_t seed);

  RnnState zero_state(int64_t lanes) const;

  // ids (B, T) of int64 -> what the last layer makes of them, which the head reads: (B, T, H). `state` goes
  // in and comes out; its gradient is not cut here. Dropout is on when a key is given.
  at::Tensor outputs(const at::Tensor& ids, RnnState& state,
                     const std::optional<DropoutKey>& dropout_key) const;
  // The head over x (..., H): logits (..., V); and the loss of x (B, T, H) (model/loss.h), which needs less
  // memory.
  at::Tensor logits(const at::Tensor& x) const;
  at::Tensor loss_sum(const at::Tensor& x, const at::Tensor& targets) const;
  at::Tensor forward(const at::Tensor& ids, RnnState& state,
                     const std::optional<DropoutKey>& dropout_key) const {
    return logits(outputs(ids, state, dropout_key));
  }

  // Layers and head compute in this type from now on, the weights rounded to it for each step (Micikevicius
  // et al. 2018), and the state between calls has it; weights, their gradients and the loss stay as they are.
  // By cuDNN's or LibTorch's layers.
  void compute_in(at::ScalarType type);

  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const ModelSettings& settings() const { return settings_; }
  int64_t vocabulary_size() const { return vocabulary_size_; }
  const LayerWeights& layer_weights(int64_t layer) const { return layers_[static_cast<size_t>(layer)]; }
  at::Tensor layer_buffer(int64_t layer) const;  // all four, one after the other
  const at::Tensor& head_weight() const;         // (V, H); not with head: none
  at::Device device() const { return parameters_.values().device(); }

  static int64_t parameter_count(const ModelSettings& settings, int64_t vocabulary_size);

 private:
  at::Tensor embed(const at::Tensor& ids) const;  // ids (...) -> (..., E), with one_hot (..., V)

  // One layer over x (B, T, H), the first over the ids, from its state h and c (B, H): output (B, T, H) and
  // the state after it.
  LayerOutput run_layer(int64_t layer, const at::Tensor& x, const at::Tensor& ids, const at::Tensor& h,
                        const at::Tensor& c, bool training) const;
  LayerOutput run_reference(const LayerWeights& w, const at::Tensor& x, const at::Tensor& h,
                            const at::Tensor& c, bool training) const;
  std::vector<at::Tensor> reference_weights(const LayerWeights& w) const;
  bool is_fast() const;                                // by charrnn's own layers, not LibTorch's
  bool is_rounded() const;                             // computes in another type than that of the weights
  at::Tensor rounded(const at::Tensor& tensor) const;  // to that type

  ModelSettings settings_;
  int64_t vocabulary_size_;
  Parameters parameters_;
  std::vector<LayerWeights> layers_;
  at::ScalarType compute_type_ = at::kFloat;
  bool uses_cudnn_ = false;
};

}  // namespace charrnn
