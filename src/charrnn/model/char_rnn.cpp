#include "charrnn/model/char_rnn.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "charrnn/core/counter_random.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/model/cpu/fast_layer.h"
#include "charrnn/model/cpu/vector_math.h"
#include "charrnn/model/gpu/cudnn_layer.h"
#include "charrnn/model/loss.h"
#include "charrnn/model/reference_layer.h"

namespace charrnn {
namespace {

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
  const int64_t rows = gate_count(s.cell) * s.hidden_size;
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    constexpr bool kJoined = true;  // a layer's four weights are one buffer to cuDNN
    list.push_back({layer_name("weight_ih", layer), {rows, width}});
    list.push_back({layer_name("weight_hh", layer), {rows, s.hidden_size}, kJoined});
    list.push_back({layer_name("bias_ih", layer), {rows}, kJoined});
    list.push_back({layer_name("bias_hh", layer), {rows}, kJoined});
    width = s.hidden_size;
  }
  if (s.head == Head::kNone) {
    if (s.hidden_size != vocabulary_size) {
      fail_usage("model.head: none uses the last layer's output as the logits, so model.hidden_size (",
                 s.hidden_size, ") must be the ", vocabulary_size, " characters of the vocabulary");
    }
    return list;
  }
  if (!s.tied_weights) list.push_back({"head.weight", {vocabulary_size, s.hidden_size}});
  list.push_back({"head.bias", {vocabulary_size}});
  return list;
}

}  // namespace

CharRnn::CharRnn(const ModelSettings& settings, int64_t vocabulary_size, at::ScalarType type,
                 at::Device device)
    : settings_(settings),
      vocabulary_size_(vocabulary_size),
      parameters_(shapes(settings, vocabulary_size), type, device) {
  initialize_vector_math();
  for (int64_t layer = 0; layer < settings.layers; ++layer) {
    layers_.push_back({parameters_[layer_name("weight_ih", layer)],
                       parameters_[layer_name("weight_hh", layer)], parameters_[layer_name("bias_ih", layer)],
                       parameters_[layer_name("bias_hh", layer)]});
  }
  compute_type_ = at::ScalarType::Undefined;  // so that compute_in asks cuDNN
  compute_in(type);
}

void CharRnn::compute_in(at::ScalarType type) {
  if (type == compute_type_) return;
  compute_type_ = type;
  const at::Device on = device();
  const int64_t width =
      settings_.input == InputLayer::kEmbedding ? settings_.embedding_size : vocabulary_size_;
  const auto serves = [&](int64_t input_width) {
    return cudnn_serves(settings_.cell, input_width, settings_.hidden_size, type, on);
  };
  const bool wants_cudnn = settings_.kernel == Kernel::kFast && on != at::kCPU;
  uses_cudnn_ = wants_cudnn && serves(width) && (settings_.layers == 1 || serves(settings_.hidden_size));
  if (wants_cudnn && on.is_cuda() && !uses_cudnn_) {
    log::warning(
        "this LibTorch has no cuDNN, or one that arranges a layer's weights differently from charrnn: using "
        "LibTorch's own layers, which are slower");
  }
}

void CharRnn::initialize(uint64_t seed) {
  const c10::AutoGradMode no_grad(false);
  // A separate generator on the CPU, so that weights are the same on every device and other draws are not
  // affected.
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
  const int64_t parts = settings_.cell == Cell::kLstm ? 2 : 1;
  return RnnState::of(at::zeros({parts, settings_.layers, lanes, settings_.hidden_size},
                                parameters_.values().options().dtype(compute_type_)));
}

at::Tensor CharRnn::layer_buffer(int64_t layer) const {
  const LayerWeights& w = layer_weights(layer);
  const int64_t first = w.input.storage_offset();
  const int64_t end = w.recurrent_bias.storage_offset() + w.recurrent_bias.numel();
  return parameters_.values().narrow(0, first, end - first);
}

const at::Tensor& CharRnn::head_weight() const {
  return parameters_[settings_.tied_weights ? "embedding.weight" : "head.weight"];
}

bool CharRnn::is_rounded() const {
  return compute_type_ != parameters_.values().scalar_type();
}

at::Tensor CharRnn::rounded(const at::Tensor& tensor) const {
  return tensor.defined() ? tensor.to(compute_type_) : tensor;
}

bool CharRnn::is_fast() const {
  return settings_.kernel == Kernel::kFast && device() == at::kCPU && !is_rounded() &&
         parameters_.values().scalar_type() == at::kFloat;
}

at::Tensor CharRnn::embed(const at::Tensor& ids) const {
  if (settings_.input == InputLayer::kEmbedding) return at::embedding(parameters_["embedding.weight"], ids);
  return at::one_hot(ids, vocabulary_size_).to(parameters_.values().scalar_type());
}

// Layers are time-major: tensors of the shape (B, T, H) here are stored as (T, B, H).
LayerOutput CharRnn::run_layer(int64_t layer, const at::Tensor& x, const at::Tensor& ids, const at::Tensor& h,
                               const at::Tensor& c, bool training) const {
  const LayerWeights& w = layer_weights(layer);
  LayerOutput result;
  if (is_fast()) {
    LayerInput from;
    if (layer > 0) {
      from.x = x.transpose(0, 1);
    } else {
      from.ids = ids.t();
      if (settings_.input == InputLayer::kEmbedding) from.embedding = parameters_["embedding.weight"];
    }
    result = fast_layer(settings_.cell, w, from, h, c);
  } else {
    const at::Tensor input = layer > 0 ? x.transpose(0, 1) : rounded(embed(ids.t()));  // (T, B, E or V)
    result = uses_cudnn_ ? cudnn_layer(settings_.cell, w, layer_buffer(layer), input, rounded(h), rounded(c),
                                       training)
                         : reference_layer(settings_.cell, w, input, rounded(h), rounded(c), training);
  }
  return {result.output.transpose(0, 1), result.h, result.c};
}

at::Tensor CharRnn::outputs(const at::Tensor& ids, RnnState& state,
                            const std::optional<DropoutKey>& dropout_key) const {
  at::Tensor x;
  std::vector<at::Tensor> h;
  std::vector<at::Tensor> c;
  for (int64_t layer = 0; layer < settings_.layers; ++layer) {
    // One call per layer, so that dropout is ours and the gradients of each layer are ready separately.
    const LayerOutput result =
        run_layer(layer, x, ids, state.h[layer], state.c.defined() ? state.c[layer] : at::Tensor(),
                  dropout_key.has_value());
    h.push_back(result.h);
    if (result.c.defined()) c.push_back(result.c);
    const bool is_last = layer + 1 == settings_.layers;
    const double probability =
        is_last ? settings_.output_dropout.value_or(settings_.dropout) : settings_.dropout;
    x = dropout_key ? dropout(result.output, probability, *dropout_key, layer) : result.output;  // (B, T, H)
  }
  h.insert(h.end(), c.begin(), c.end());
  state = RnnState::of(at::stack(h).unflatten(0, {-1, settings_.layers}));
  return x;
}

at::Tensor CharRnn::logits(const at::Tensor& x) const {
  if (settings_.head == Head::kNone) return x;
  return at::linear(x, rounded(head_weight()), rounded(parameters_["head.bias"]));
}

at::Tensor CharRnn::loss_sum(const at::Tensor& x, const at::Tensor& targets) const {
  // In the order (T, B) of x in memory; the order does not matter, because the sum is over all positions.
  const at::Tensor rows = x.transpose(0, 1).flatten(0, 1);  // (T B, H)
  const at::Tensor ids = targets.t().flatten();             // (T B)
  if (is_fast() && settings_.head != Head::kNone) {
    return linear_cross_entropy_sum(rows.contiguous(), head_weight(), parameters_["head.bias"], ids);
  }
  return cross_entropy_sum(logits(rows).to(parameters_.values().scalar_type()), ids);
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
