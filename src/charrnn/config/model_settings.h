// The section `model`: the shape of the network and its first weights.
#pragma once

#include <cstdint>
#include <optional>

#include "charrnn/config/enum_names.h"

namespace charrnn {

enum class Cell { kLstm, kGru, kRnnTanh, kRnnRelu };
constexpr auto names_of(Cell) {
  return enum_names("lstm", "gru", "rnn_tanh", "rnn_relu");
}

enum class Head { kLinear, kNone };
constexpr auto names_of(Head) {
  return enum_names("linear", "none");
}

// The implementation of recurrent layers: charrnn's own (cuDNN's on a GPU), or LibTorch's.
enum class Kernel { kFast, kReference };
constexpr auto names_of(Kernel) {
  return enum_names("fast", "reference");
}

enum class InitialWeights { kPytorch, kNormal };
constexpr auto names_of(InitialWeights) {
  return enum_names("pytorch", "normal");
}

enum class InputLayer { kEmbedding, kOneHot };
constexpr auto names_of(InputLayer) {
  return enum_names("embedding", "one_hot");
}

struct ModelSettings {
  Cell cell = Cell::kLstm;
  InputLayer input = InputLayer::kEmbedding;
  int64_t embedding_size = 128;          // E
  int64_t hidden_size = 512;             // H
  int64_t layers = 1;                    // L
  double dropout = 0.0;                  // share of units zeroed after each layer
  std::optional<double> output_dropout;  // after the last layer; not given: `dropout`
  Head head = Head::kLinear;             // kNone: the last layer's output is the logits
  bool tied_weights = false;             // the head's weights are the embedding's
  InitialWeights initial_weights = InitialWeights::kPytorch;
  double initial_scale = 0.01;  // standard deviation, with InitialWeights::kNormal
  double forget_bias = 1.0;     // initial bias of an LSTM's forget gate
  Kernel kernel = Kernel::kFast;
};

}  // namespace charrnn
