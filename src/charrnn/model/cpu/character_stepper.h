// Computes the next character's logits for B streams, one character at a time, for sampling. The weights are
// packed once and a step creates no tensors, so a step of one stream takes as long as reading the weights.
// The same function as CharRnn::forward, up to rounding, for floats on the CPU. A stream's numbers depend
// neither on the other streams nor on the number of threads.
//
// Sizes: B streams, V vocabulary, E embedding, H hidden, L layers, G gates; H' and V' are padded to a
// multiple of kUnitStep.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "charrnn/model/char_rnn.h"
#include "charrnn/model/cpu/padded_weights.h"
#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {

struct ThreadTeam;

class CharacterStepper {
 public:
  // Whether the model's weights are floats on the CPU.
  static bool serves(const CharRnn& model);

  // Copies the present weights.
  explicit CharacterStepper(const CharRnn& model);

  // The states of B streams and their next logits.
  class Streams {
   public:
    // The logits of one stream (V), valid until the next step.
    std::span<const float> logits(int64_t stream) const;

   private:
    friend class CharacterStepper;
    std::vector<at::Tensor> h_;       // (B, H') for each layer
    std::vector<at::Tensor> next_h_;  // the same; a step swaps the two
    std::vector<at::Tensor> c_;       // the same, only for an LSTM
    at::Tensor embedded_;             // (B, E), if there is no table
    at::Tensor inputs_;               // (B, G, H')
    at::Tensor saved_;                // (B, S, H'): values that the kernels save for training
    at::Tensor logits_;               // (B, V'); undefined without a head
    int64_t vocabulary_size_ = 0;
  };

  // From a state (L, B, H).
  Streams begin(const RnnState& state) const;

  // ids (B): the next character of each stream. Throws Error if one is not in [0, V).
  void step(std::span<const int64_t> ids, Streams& streams) const;

 private:
  struct Product {       // x (B, depth) -> x W^T + bias (B, columns)
    at::Tensor weights;  // (columns, depth), packed; undefined: none
    at::Tensor bias;     // (columns)
    int64_t depth = 0;
    int64_t columns = 0;
  };
  struct Layer {
    Product input;
    at::Tensor recurrent;  // (GH', H'), packed
    at::Tensor apart;      // (H') b_hn of a GRU
  };

  Product packed_product(const at::Tensor& weights, const at::Tensor& bias) const;
  void set_input(const PaddedWeights& weights, const CharRnn& model, Layer& layer);
  void check_ids(std::span<const int64_t> ids, const Streams& streams) const;
  void multiply(const ThreadTeam& team, const Product& product, const at::Tensor& x,
                const at::Tensor& y) const;
  void run_layer(const ThreadTeam& team, size_t layer, const int64_t* ids, const Streams& streams) const;
  int threads_for(int64_t streams) const;

  const RecurrentKernels* kernels_;
  const CellKernels* cell_;
  int64_t vocabulary_size_;
  int64_t hidden_;        // H'
  at::Tensor table_;      // (V, GH') W_ih x + biases of each character, or
  at::Tensor embedding_;  // (V, E)
  std::vector<Layer> layers_;
  Product head_;
  int64_t multiplications_ = 0;  // for one character of one stream
};

}  // namespace charrnn
