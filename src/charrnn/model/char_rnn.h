// A character-level language model: one-hot or embedding input, L recurrent layers with dropout after each, a
// linear head. Input: ids; output: logits over the vocabulary. The caller keeps the state.
//
// Sizes: B lanes, T steps, V vocabulary, E embedding, H hidden, L layers.
// Names, shapes and gate order are those of PyTorch's nn.Embedding, nn.LSTM (G = 4 gates: i, f, g, o), nn.GRU
// (3: r, z, n) or nn.RNN (1), and nn.Linear:
//   embedding.weight (V, E)          only with model.input: embedding; with one_hot, E = V below
//   rnn.weight_ih_lK (GH, E or H), rnn.weight_hh_lK (GH, H), rnn.bias_ih_lK (GH), rnn.bias_hh_lK (GH)
//   head.weight (V, H), head.bias (V)   not with model.head: none; with tied_weights head.weight is
//   embedding.weight
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "charrnn/config/model_settings.h"
#include "charrnn/model/dropout.h"
#include "charrnn/model/parameters.h"
#include "charrnn/model/recurrent_layer.h"
#include "charrnn/model/rnn_state.h"

namespace charrnn {

class CharRnn {
 public:
  CharRnn(const ModelSettings& settings, int64_t vocabulary_size, at::ScalarType type = at::kFloat,
          at::Device device = at::kCPU);

  // Draws weights as PyTorch does: nn.Embedding normal(0, 1), the layers and nn.Linear uniform(-k, k) with
  // k = 1 / sqrt(H); or normal(0, initial_scale) with biases of 0. Then it sets the two biases of an LSTM's
  // forget gate so that they add up to forget_bias (Jozefowicz et al. 2015).
  void initialize(uint64_t seed);

  RnnState zero_state(int64_t lanes) const;

  // ids (B, T) of int64 -> the last layer's outputs, the input of the head: (B, T, H). `state` is read and
  // updated; it is not detached here. Dropout is applied if there is a key.
  at::Tensor outputs(const at::Tensor& ids, RnnState& state,
                     const std::optional<DropoutKey>& dropout_key) const;
  // The head applied to x (..., H): logits (..., V), or the loss of x (B, T, H) (model/loss.h), which needs
  // less memory.
  at::Tensor logits(const at::Tensor& x) const;
  at::Tensor loss_sum(const at::Tensor& x, const at::Tensor& targets) const;
  at::Tensor forward(const at::Tensor& ids, RnnState& state,
                     const std::optional<DropoutKey>& dropout_key) const {
    return logits(outputs(ids, state, dropout_key));
  }

  // After this call, layers and head compute in `type`, with weights rounded to it in each step (Micikevicius
  // et al. 2018), and the state between calls has that type; weights, their gradients and the loss keep their
  // type. With cuDNN's or LibTorch's layers.
  void compute_in(at::ScalarType type);

  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const ModelSettings& settings() const { return settings_; }
  int64_t vocabulary_size() const { return vocabulary_size_; }
  const LayerWeights& layer_weights(int64_t layer) const { return layers_[static_cast<size_t>(layer)]; }
  at::Tensor layer_buffer(int64_t layer) const;  // the four weights, one after the other
  const at::Tensor& head_weight() const;         // (V, H); not with head: none
  at::Device device() const { return parameters_.values().device(); }

  static int64_t parameter_count(const ModelSettings& settings, int64_t vocabulary_size);

 private:
  at::Tensor embed(const at::Tensor& ids) const;  // ids (...) -> (..., E), with one_hot (..., V)

  // Runs one layer on x (B, T, H), or the first layer on the ids, from its state h and c (B, H): output (B,
  // T, H) and the state after it.
  LayerOutput run_layer(int64_t layer, const at::Tensor& x, const at::Tensor& ids, const at::Tensor& h,
                        const at::Tensor& c, bool training) const;
  bool is_fast() const;                                // whether charrnn's layers are used, not LibTorch's
  bool is_rounded() const;                             // whether the compute type differs from the weights'
  at::Tensor rounded(const at::Tensor& tensor) const;  // to that type

  ModelSettings settings_;
  int64_t vocabulary_size_;
  Parameters parameters_;
  std::vector<LayerWeights> layers_;
  at::ScalarType compute_type_ = at::kFloat;
  bool uses_cudnn_ = false;
};

}  // namespace charrnn
