#include "model/char_rnn.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "core/counter_random.h"
#include "core/error.h"

namespace charrnn {
namespace {

constexpr int64_t kGates = 4;  // i, f, g, o

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
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    list.push_back({layer_name("weight_ih", layer), {kGates * s.hidden_size, width}});
    list.push_back({layer_name("weight_hh", layer), {kGates * s.hidden_size, s.hidden_size}});
    list.push_back({layer_name("bias_ih", layer), {kGates * s.hidden_size}});
    list.push_back({layer_name("bias_hh", layer), {kGates * s.hidden_size}});
    width = s.hidden_size;
  }
  list.push_back({"head.weight", {vocabulary_size, s.hidden_size}});
  list.push_back({"head.bias", {vocabulary_size}});
  return list;
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
  const double bound = 1.0 / std::sqrt(static_cast<double>(settings_.hidden_size));
  for (const Parameters::Parameter& parameter : parameters_.list()) {
    at::Tensor drawn = at::empty(parameter.value.sizes(), at::TensorOptions().dtype(parameter.value.dtype()));
    if (parameter.name == "embedding.weight") {
      drawn.normal_(0.0, 1.0, generator);
    } else {
      drawn.uniform_(-bound, bound, generator);
    }
    const int64_t hidden = settings_.hidden_size;
    if (parameter.name.starts_with("rnn.bias_ih"))
      drawn.narrow(0, hidden, hidden).fill_(settings_.forget_bias);
    if (parameter.name.starts_with("rnn.bias_hh")) drawn.narrow(0, hidden, hidden).zero_();
    parameter.value.detach().copy_(drawn);
  }
}

RnnState CharRnn::zero_state(int64_t lanes) const {
  const at::Tensor zeros =
      at::zeros({settings_.layers, lanes, settings_.hidden_size}, parameters_.values().options());
  return {zeros, zeros.clone()};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> CharRnn::run_layer(int64_t layer, const at::Tensor& x,
                                                                  const RnnState& state,
                                                                  bool training) const {
  const at::Tensor& weight_ih = parameters_[layer_name("weight_ih", layer)];
  const at::Tensor& weight_hh = parameters_[layer_name("weight_hh", layer)];
  const at::Tensor& bias_ih = parameters_[layer_name("bias_ih", layer)];
  const at::Tensor& bias_hh = parameters_[layer_name("bias_hh", layer)];
  const at::Tensor h = state.h.narrow(0, layer, 1);
  const at::Tensor c = state.c.narrow(0, layer, 1);
  if (x.size(1) == 1 && x.is_cpu() && !c10::GradMode::is_enabled()) {
    // Sampling: for one character at::lstm spends most of its time on rearranging the weights.
    const auto [next_h, next_c] =
        at::lstm_cell(x.select(1, 0), {h[0], c[0]}, weight_ih, weight_hh, bias_ih, bias_hh);
    return {next_h.unsqueeze(1), next_h.unsqueeze(0), next_c.unsqueeze(0)};
  }
  return at::lstm(x, {h, c}, {weight_ih, weight_hh, bias_ih, bias_hh}, /*has_biases=*/true, /*num_layers=*/1,
                  /*dropout=*/0.0, training, /*bidirectional=*/false, /*batch_first=*/true);
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
    c.push_back(next_c);
    const bool is_last = layer + 1 == settings_.layers;
    const double probability =
        is_last ? settings_.output_dropout.value_or(settings_.dropout) : settings_.dropout;
    x = dropout_key ? dropout(output, probability, *dropout_key, layer) : output;  // (B, T, H)
  }
  state = {at::cat(h), at::cat(c)};
  return at::linear(x, p["head.weight"], p["head.bias"]);  // (B, T, V)
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
