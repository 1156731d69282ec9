#include "model/char_rnn.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <tuple>

#include "core/counter_random.h"
#include "core/error.h"

namespace charrnn {
namespace {

// Blocks of H rows in a layer's weights: i, f, g, o; r, z, n; one.
int64_t gates(Cell cell) {
  return cell == Cell::kLstm ? 4 : cell == Cell::kGru ? 3 : 1;
}

std::string layer_name(const char* weight, int64_t layer) {
  return concat("rnn.", weight, "_l", layer);
}

std::vector<Parameters::Shape> shapes(const ModelSettings& s, int64_t vocabulary_size) {
  std::vector<Parameters::Shape> list;
  int64_t width = vocabulary_size;
  if (s.input == InputLayer::kEmbedding) {
    list.push_back({"embedding.weight", {vocabulary_size, s.embedding_size}});
    width = s.embedding_size;
  }
  // A layer's four weights lie side by side in cuDNN's order.
  const int64_t rows = gates(s.cell) * s.hidden_size;
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    list.push_back({layer_name("weight_ih", layer), {rows, width}});
    list.push_back({layer_name("weight_hh", layer), {rows, s.hidden_size}});
    list.push_back({layer_name("bias_ih", layer), {rows}});
    list.push_back({layer_name("bias_hh", layer), {rows}});
    width = s.hidden_size;
  }
  if (s.head == Head::kNone) {
    if (s.hidden_size != vocabulary_size) {
      fail_usage("model.head: none takes the last layer's output as the logits, so model.hidden_size (",
                 s.hidden_size, ") must be the ", vocabulary_size, " characters of the vocabulary");
    }
    return list;
  }
  if (!s.tied_weights) list.push_back({"head.weight", {vocabulary_size, s.hidden_size}});
  list.push_back({"head.bias", {vocabulary_size}});
  return list;
}

// LibTorch's layer of a cell that has no state but h.
using PlainLayer = std::tuple<at::Tensor, at::Tensor> (*)(const at::Tensor& input, const at::Tensor& h,
                                                          at::TensorList weights, bool has_biases,
                                                          int64_t num_layers, double dropout, bool training,
                                                          bool bidirectional, bool batch_first);
PlainLayer plain_layer(Cell cell) {
  if (cell == Cell::kGru) return at::gru;
  if (cell == Cell::kRnnTanh) return at::rnn_tanh;
  return at::rnn_relu;
}

}  // namespace

CharRnn::CharRnn(const ModelSettings& settings, int64_t vocabulary_size, at::ScalarType type,
                 at::Device device)
    : settings_(settings),
      vocabulary_size_(vocabulary_size),
      parameters_(shapes(settings, vocabulary_size), type, device) {}

void CharRnn::initialize(uint64_t seed) {
  const c10::AutoGradMode no_grad(false);
  // A generator of its own on the CPU: the same weights on every device, and no other draw disturbed.
  at::Generator generator = at::detail::createCPUGenerator(random_bits(seed, Draw::kInitialWeights, {}));
  const int64_t hidden = settings_.hidden_size;
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  const bool is_normal = settings_.initial_weights == InitialWeights::kNormal;
  for (const Parameters::Parameter& parameter : parameters_.list()) {
    at::Tensor drawn = at::empty(parameter.value.sizes(), at::TensorOptions().dtype(parameter.value.dtype()));
    const bool is_bias = parameter.value.dim() == 1;
    if (is_normal && is_bias) {
      drawn.zero_();
    } else if (is_normal) {
      drawn.normal_(0.0, settings_.initial_scale, generator);
    } else if (parameter.name == "embedding.weight") {
      drawn.normal_(0.0, 1.0, generator);
    } else {
      drawn.uniform_(-bound, bound, generator);
    }
    if (settings_.cell == Cell::kLstm) {
      if (parameter.name.starts_with("rnn.bias_ih"))
        drawn.narrow(0, hidden, hidden).fill_(settings_.forget_bias);
      if (parameter.name.starts_with("rnn.bias_hh")) drawn.narrow(0, hidden, hidden).zero_();
    }
    parameter.value.detach().copy_(drawn);
  }
}

RnnState CharRnn::zero_state(int64_t lanes) const {
  const at::Tensor zeros =
      at::zeros({settings_.layers, lanes, settings_.hidden_size}, parameters_.values().options());
  return {zeros, settings_.cell == Cell::kLstm ? zeros.clone() : at::Tensor()};
}

// For one character without gradients LibTorch's layers spend most of their time on rearranging the weights.
CharRnn::LayerOutput CharRnn::run_one_character(const at::Tensor& x, const at::Tensor& h, const at::Tensor& c,
                                                const Weights& w) const {
  const at::Tensor input = x.select(1, 0);
  const at::Tensor previous = h[0];
  at::Tensor next_h;
  at::Tensor next_c;
  switch (settings_.cell) {
    case Cell::kLstm:
      std::tie(next_h, next_c) = at::lstm_cell(input, {previous, c[0]}, w[0], w[1], w[2], w[3]);
      return {next_h.unsqueeze(1), next_h.unsqueeze(0), next_c.unsqueeze(0)};
    case Cell::kGru:
      next_h = at::gru_cell(input, previous, w[0], w[1], w[2], w[3]);
      break;
    case Cell::kRnnTanh:
      next_h = at::rnn_tanh_cell(input, previous, w[0], w[1], w[2], w[3]);
      break;
    case Cell::kRnnRelu:
      next_h = at::rnn_relu_cell(input, previous, w[0], w[1], w[2], w[3]);
      break;
  }
  return {next_h.unsqueeze(1), next_h.unsqueeze(0), next_c};
}

CharRnn::LayerOutput CharRnn::run_layer(int64_t layer, const at::Tensor& x, const RnnState& state,
                                        bool training) const {
  const Weights w{parameters_[layer_name("weight_ih", layer)], parameters_[layer_name("weight_hh", layer)],
                  parameters_[layer_name("bias_ih", layer)], parameters_[layer_name("bias_hh", layer)]};
  const at::Tensor h = state.h.narrow(0, layer, 1);
  const at::Tensor c = state.c.defined() ? state.c.narrow(0, layer, 1) : at::Tensor();
  if (x.size(1) == 1 && x.is_cpu() && !c10::GradMode::is_enabled()) return run_one_character(x, h, c, w);
  constexpr bool kHasBiases = true;
  constexpr bool kBidirectional = false;
  constexpr bool kBatchFirst = true;
  if (settings_.cell == Cell::kLstm) {
    const auto [output, next_h, next_c] = at::lstm(x, {h, c}, w, kHasBiases, /*num_layers=*/1,
                                                   /*dropout=*/0.0, training, kBidirectional, kBatchFirst);
    return {output, next_h, next_c};
  }
  const auto [output, next_h] = plain_layer(settings_.cell)(
      x, h, w, kHasBiases, /*num_layers=*/1, /*dropout=*/0.0, training, kBidirectional, kBatchFirst);
  return {output, next_h, {}};
}

at::Tensor CharRnn::forward(const at::Tensor& ids, RnnState& state,
                            const std::optional<DropoutKey>& dropout_key) const {
  const Parameters& p = parameters_;
  at::Tensor x = settings_.input == InputLayer::kEmbedding
                     ? at::embedding(p["embedding.weight"], ids)                         // (B, T, E)
                     : at::one_hot(ids, vocabulary_size_).to(p.values().scalar_type());  // (B, T, V)
  std::vector<at::Tensor> h;
  std::vector<at::Tensor> c;
  for (int64_t layer = 0; layer < settings_.layers; ++layer) {
    // Layer by layer, so that dropout is ours and each layer's gradients are ready on their own.
    const auto [output, next_h, next_c] = run_layer(layer, x, state, dropout_key.has_value());
    h.push_back(next_h);
    if (next_c.defined()) c.push_back(next_c);
    const bool is_last = layer + 1 == settings_.layers;
    const double probability =
        is_last ? settings_.output_dropout.value_or(settings_.dropout) : settings_.dropout;
    x = dropout_key ? dropout(output, probability, *dropout_key, layer) : output;  // (B, T, H)
  }
  state = {at::cat(h), c.empty() ? at::Tensor() : at::cat(c)};
  if (settings_.head == Head::kNone) return x;
  return at::linear(x, p[settings_.tied_weights ? "embedding.weight" : "head.weight"],
                    p["head.bias"]);  // (B, T, V)
}

int64_t CharRnn::parameter_count(const ModelSettings& settings, int64_t vocabulary_size) {
  int64_t total = 0;
  for (const Parameters::Shape& shape : shapes(settings, vocabulary_size)) {
    int64_t count = 1;
    for (const int64_t size : shape.sizes) count *= size;
    total += count;
  }
  return total;
}

}  // namespace charrnn
