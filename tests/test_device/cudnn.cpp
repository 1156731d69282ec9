// at::_cudnn_rnn and related operators with the CPU's layers, with the contract of LibTorch's CUDA code
// (aten/src/ATen/native/cudnn/RNN.cpp): its checks, its packed weights, its results.
#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <cstring>
#include <string_view>
#include <tuple>

#include "test_device/cpu_alias.h"
#include "test_device/cpu_kernels.h"
#include "test_device/device_memory.h"
#include "test_device/device_work.h"

namespace charrnn::test_backend {
namespace {

enum Mode : int64_t { kRelu = 0, kTanh = 1, kLstm = 2, kGru = 3 };

constexpr const char* kWeightsApart =
    "RNN module weights are not part of single contiguous chunk of memory. This means they need to be "
    "compacted at "
    "every call, possibly greatly increasing memory usage. To compact weights again call "
    "flatten_parameters().";

// The arguments of both forward and backward.
struct Layers {
  at::Tensor input;                 // (T, B, E)
  std::vector<at::Tensor> weights;  // of each layer w_ih, w_hh, b_ih, b_hh
  at::Tensor packed;                // undefined: must be packed from `weights`
  at::Tensor h;                     // (layers, B, H)
  at::Tensor c;                     // the same, or undefined
  int64_t mode;
  int64_t hidden_size;
  int64_t layers;
  bool training;

  int64_t gates() const { return mode == kLstm ? 4 : mode == kGru ? 3 : 1; }

  // (layers, B, H)
  std::vector<int64_t> state_sizes() const { return {layers, input.size(1), hidden_size}; }
  std::vector<int64_t> output_sizes() const { return {input.size(0), input.size(1), hidden_size}; }
};

void check_same(const char* name, const at::Tensor& input, const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  TORCH_CHECK(tensor.device() == input.device(), "Input and ", name,
              " tensors are not at the same device, found input tensor at ", input.device(), " and ", name,
              " tensor at ", tensor.device());
  TORCH_CHECK(tensor.scalar_type() == input.scalar_type(), "Input and ", name,
              " tensors are not the same dtype, found input tensor with ", input.scalar_type(), " and ", name,
              " tensor with ", tensor.scalar_type());
}

std::vector<int64_t> weight_sizes(const Layers& rnn, size_t index) {
  const int64_t rows = rnn.gates() * rnn.hidden_size;
  const int64_t width = index == 0 ? rnn.input.size(2) : rnn.hidden_size;
  return index % 4 >= 2 ? std::vector{rows} : std::vector{rows, width};
}

void check_layers(const Layers& rnn) {
  TORCH_CHECK(rnn.input.dim() == 3 && rnn.input.numel() > 0, "rnn: expected an input (T, B, E), got shape ",
              rnn.input.sizes());
  check_same("hidden", rnn.input, rnn.h);
  check_same("hidden", rnn.input, rnn.c);
  for (const at::Tensor& weight : rnn.weights) check_same("parameter", rnn.input, weight);
  check_same("parameter", rnn.input, rnn.packed);
  TORCH_CHECK(rnn.c.defined() == (rnn.mode == kLstm),
              rnn.c.defined() ? "rnn: illegal defined cx for non-LSTM RNN" : "rnn: an LSTM needs cx");
  TORCH_CHECK(rnn.h.is_contiguous(), "rnn: hx is not contiguous");
  TORCH_CHECK(!rnn.c.defined() || rnn.c.is_contiguous(), "rnn: cx is not contiguous");
  TORCH_CHECK(rnn.h.sizes() == rnn.state_sizes(), "Expected hidden size ", rnn.state_sizes(), ", got ",
              rnn.h.sizes());
  TORCH_CHECK(!rnn.c.defined() || rnn.c.sizes() == rnn.state_sizes(), "Expected cell size ",
              rnn.state_sizes(), ", got ", rnn.c.sizes());
  TORCH_CHECK(std::ssize(rnn.weights) == 4 * rnn.layers, "rnn: expected ", 4 * rnn.layers, " weights, got ",
              rnn.weights.size());
  int64_t elements = 0;
  for (size_t i = 0; i < rnn.weights.size(); ++i) {
    TORCH_CHECK(rnn.weights[i].sizes() == weight_sizes(rnn, i), "rnn: expected weight ", i, " of shape ",
                weight_sizes(rnn, i), ", got ", rnn.weights[i].sizes());
    elements += rnn.weights[i].numel();
  }
  TORCH_CHECK(!rnn.packed.defined() ||
                  (rnn.packed.dim() == 1 && rnn.packed.is_contiguous() && rnn.packed.numel() == elements),
              "rnn: expected a contiguous weight_buf of ", elements, " elements, got shape ",
              rnn.packed.defined() ? rnn.packed.sizes() : at::IntArrayRef(), " with strides ",
              rnn.packed.defined() ? rnn.packed.strides() : at::IntArrayRef());
}

at::Tensor time_major(const at::Tensor& tensor, bool batch_first) {
  return batch_first ? tensor.transpose(0, 1) : tensor;
}

Layers checked(const at::Tensor& input, at::TensorList weights, int64_t weights_per_layer,
               const std::optional<at::Tensor>& packed, const at::Tensor& h,
               const std::optional<at::Tensor>& c, int64_t mode, int64_t hidden_size, int64_t projection,
               int64_t layers, bool batch_first, double dropout, bool training, bool bidirectional,
               at::IntArrayRef batch_sizes) {
  TORCH_CHECK_NOT_IMPLEMENTED(
      projection == 0 && !bidirectional && batch_sizes.empty() && weights_per_layer == 4 &&
          (dropout == 0 || layers == 1 || !training),
      "the device for tests supports cuDNN's recurrent layers only with biases, in one direction, without "
      "projections, packed sequences and dropout between layers");
  TORCH_CHECK(mode >= kRelu && mode <= kGru, "rnn: unknown mode ", mode);
  Layers rnn{time_major(input, batch_first),
             weights.vec(),
             packed.value_or(at::Tensor()),
             h,
             c.value_or(at::Tensor()),
             mode,
             hidden_size,
             layers,
             training};
  check_layers(rnn);
  return rnn;
}

// The weights in cuDNN's order: the matrices of all layers, then the biases of all layers.
std::vector<size_t> packed_order(int64_t layers) {
  std::vector<size_t> order;
  for (const size_t first : {size_t{0}, size_t{2}}) {
    for (size_t layer = 0; layer < static_cast<size_t>(layers); ++layer) {
      order.push_back(4 * layer + first);
      order.push_back(4 * layer + first + 1);
    }
  }
  return order;
}

// Views of the weights in a packed buffer of the CPU or the device.
std::vector<at::Tensor> weights_in(const at::Tensor& packed, const Layers& rnn) {
  std::vector<at::Tensor> weights(rnn.weights.size());
  int64_t offset = 0;
  for (const size_t i : packed_order(rnn.layers)) {
    weights[i] = packed.narrow(0, offset, rnn.weights[i].numel()).view(rnn.weights[i].sizes());
    offset += rnn.weights[i].numel();
  }
  return weights;
}

at::Tensor pack(const Layers& rnn) {
  CpuAliases aliases;
  std::vector<at::Tensor> flat;
  for (const size_t i : packed_order(rnn.layers)) flat.push_back(aliases.of(rnn.weights[i]).flatten());
  return to_device(at::cat(flat));
}

// Compares bytes, so NaN equals NaN.
bool is_equal(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = a.contiguous();
  const at::Tensor right = b.contiguous();
  return left.nbytes() == right.nbytes() &&
         std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

// cuDNN reads only the packed weights; a wrong order in them would not be visible in the shapes.
void check_packed(const Layers& rnn) {
  CpuAliases aliases;
  const std::vector<at::Tensor> packed = weights_in(aliases.of(rnn.packed), rnn);
  for (size_t i = 0; i < packed.size(); ++i) {
    TORCH_CHECK(is_equal(packed[i], aliases.of(rnn.weights[i])), "rnn: weight ", i,
                " differs from the one in weight_buf");
  }
}

using PlainLayer = std::tuple<at::Tensor, at::Tensor> (*)(const at::Tensor&, const at::Tensor&,
                                                          at::TensorList, bool, int64_t, double, bool, bool,
                                                          bool);

// Output, h and c (undefined except for LSTM) of the CPU's layer.
std::tuple<at::Tensor, at::Tensor, at::Tensor> run(const Layers& rnn, const at::Tensor& input,
                                                   at::TensorList weights, const at::Tensor& h,
                                                   const at::Tensor& c) {
  constexpr bool kHasBiases = true;
  constexpr bool kBidirectional = false;
  constexpr bool kBatchFirst = false;
  constexpr double kDropout = 0;
  if (rnn.mode == kLstm) {
    return at::lstm(input, {h, c}, weights, kHasBiases, rnn.layers, kDropout, rnn.training, kBidirectional,
                    kBatchFirst);
  }
  PlainLayer layer = at::rnn_relu;
  if (rnn.mode == kTanh) layer = at::rnn_tanh;
  if (rnn.mode == kGru) layer = at::gru;
  const auto [output, last] =
      layer(input, h, weights, kHasBiases, rnn.layers, kDropout, rnn.training, kBidirectional, kBatchFirst);
  return {output, last, at::Tensor()};
}

uint64_t hash_of(const Layers& rnn, const at::Tensor& output) {
  CpuAliases aliases;
  uint64_t hash = 0;
  for (const at::Tensor& tensor : {rnn.input, rnn.packed, rnn.h, rnn.c, output}) {
    if (!tensor.defined()) continue;
    const at::Tensor dense = aliases.of(tensor).contiguous();
    const std::string_view bytes(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes());
    hash = hash * 0x9e3779b97f4a7c15ULL + std::hash<std::string_view>()(bytes);
  }
  return hash;
}

// The reserve contains a hash of the arguments of the forward pass and of its output. A backward pass with
// other tensors is an error here, which cuDNN would not notice.
at::Tensor make_reserve(const Layers& rnn, const at::Tensor& output) {
  const uint64_t hash = hash_of(rnn, output);
  const at::Tensor reserve = empty_on_device({sizeof(hash)}, {1}, at::kByte);
  std::memcpy(kernel_address(reserve.const_data_ptr(), sizeof(hash)), &hash, sizeof(hash));
  return reserve;
}

void check_reserve(const at::Tensor& reserve, const Layers& rnn, const at::Tensor& output) {
  uint64_t hash = 0;
  TORCH_CHECK(reserve.scalar_type() == at::kByte && reserve.nbytes() == sizeof(hash),
              "rnn: expected the reserve of a forward pass in training mode, got ", reserve.numel(),
              " elements of type ", reserve.scalar_type());
  std::memcpy(&hash, kernel_address(reserve.const_data_ptr(), sizeof(hash)), sizeof(hash));
  TORCH_CHECK(
      hash == hash_of(rnn, output),
      "rnn: input, state, weights or output are not those of the forward pass that made the reserve: either "
      "they were changed since, or the reserve is of another pass");
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> cudnn_rnn(
    const at::Tensor& input, at::TensorList weights, int64_t weights_per_layer,
    const std::optional<at::Tensor>& packed, const at::Tensor& h, const std::optional<at::Tensor>& c,
    int64_t mode, int64_t hidden_size, int64_t projection, int64_t layers, bool batch_first, double dropout,
    bool training, bool bidirectional, at::IntArrayRef batch_sizes,
    const std::optional<at::Tensor>& /*dropout_state*/) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  Layers rnn = checked(input, weights, weights_per_layer, packed, h, c, mode, hidden_size, projection, layers,
                       batch_first, dropout, training, bidirectional, batch_sizes);
  if (!rnn.packed.defined()) {
    TORCH_WARN(kWeightsApart);
    rnn.packed = at::zeros({pack(rnn).numel()}, rnn.input.options());
    for (const size_t i : packed_order(layers)) weights_in(rnn.packed, rnn)[i].copy_(weights[i]);
  }
  check_packed(rnn);
  rnn.input = rnn.input.contiguous();
  count_operation("_cudnn_rnn");
  CpuAliases aliases;
  const auto [output, next_h, next_c] =
      run(rnn, aliases.of(rnn.input), weights_in(aliases.of(rnn.packed), rnn), aliases.of(rnn.h),
          rnn.c.defined() ? aliases.of(rnn.c) : at::Tensor());
  const at::Tensor y = to_device(output.contiguous());
  const auto options = input.options();
  return {time_major(y, batch_first), to_device(next_h),
          next_c.defined() ? to_device(next_c) : at::empty({0}, options),
          training ? make_reserve(rnn, y) : at::empty({0}, options.dtype(at::kByte)), rnn.packed};
}

// The gradient of a result, in the form for cuDNN: contiguous, 0 if undefined.
at::Tensor gradient_of(const std::optional<at::Tensor>& gradient, const std::vector<int64_t>& sizes,
                       const Layers& rnn, const char* name) {
  if (!gradient || !gradient->defined()) return at::Tensor();
  TORCH_CHECK(gradient->device() == rnn.input.device(), "Gradients aren't tensors of ", rnn.input.device());
  TORCH_CHECK(gradient->sizes() == sizes, "Expected ", name, " size ", at::IntArrayRef(sizes), ", got ",
              gradient->sizes());
  TORCH_CHECK(gradient->scalar_type() == rnn.input.scalar_type(), "rnn: ", name, " is of type ",
              gradient->scalar_type(), ", the input of type ", rnn.input.scalar_type());
  return gradient->contiguous();
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, std::vector<at::Tensor>> cudnn_rnn_backward(
    const at::Tensor& input, at::TensorList weights, int64_t weights_per_layer, const at::Tensor& packed,
    const at::Tensor& h, const std::optional<at::Tensor>& c, const at::Tensor& output,
    const std::optional<at::Tensor>& output_gradient, const std::optional<at::Tensor>& h_gradient,
    const std::optional<at::Tensor>& c_gradient, int64_t mode, int64_t hidden_size, int64_t projection,
    int64_t layers, bool batch_first, double dropout, bool training, bool bidirectional,
    at::IntArrayRef batch_sizes, const std::optional<at::Tensor>& /*dropout_state*/,
    const at::Tensor& reserve, std::array<bool, 4> wanted) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  TORCH_CHECK(training, "cudnn RNN backward can only be called in training mode");
  Layers rnn = checked(input, weights, weights_per_layer, packed, h, c, mode, hidden_size, projection, layers,
                       batch_first, dropout, training, bidirectional, batch_sizes);
  const at::Tensor y = time_major(output, batch_first);
  TORCH_CHECK(y.sizes() == rnn.output_sizes(), "Expected output size ", rnn.output_sizes(), ", got ",
              y.sizes());
  TORCH_CHECK(y.is_contiguous(), "rnn: output is not contiguous");
  const at::Tensor of_output = gradient_of(output_gradient && output_gradient->defined()
                                               ? std::optional(time_major(*output_gradient, batch_first))
                                               : std::nullopt,
                                           rnn.output_sizes(), rnn, "d_output");
  const at::Tensor of_h = gradient_of(h_gradient, rnn.state_sizes(), rnn, "d_hidden");
  const at::Tensor of_c = gradient_of(c_gradient, rnn.state_sizes(), rnn, "d_cell");
  if (!of_output.defined() && !of_h.defined() && !of_c.defined()) {
    return {at::Tensor(), at::Tensor(), at::Tensor(), std::vector<at::Tensor>(weights.size())};
  }
  check_packed(rnn);
  rnn.input = rnn.input.contiguous();
  check_reserve(reserve, rnn, y);
  count_operation("_cudnn_rnn_backward");  // without the zeros that CUDA's code fills in

  CpuAliases aliases;
  std::vector<at::Tensor> from{aliases.of(rnn.input), aliases.of(rnn.h)};
  if (rnn.c.defined()) from.push_back(aliases.of(rnn.c));
  from.push_back(aliases.of(rnn.packed));
  std::vector<at::Tensor> gradients;
  {
    // Autograd inside a backward pass: runs the forward pass once more, and computes its gradients.
    const c10::impl::ForceDispatchKeyGuard with_autograd(c10::default_included_set,
                                                         c10::default_excluded_set);
    const at::AutoGradMode gradients_on(true);
    for (at::Tensor& tensor : from) tensor.requires_grad_(true);
    const auto [again, next_h, next_c] =
        run(rnn, from[0], weights_in(from.back(), rnn), from[1], rnn.c.defined() ? from[2] : at::Tensor());
    std::vector<at::Tensor> results;
    std::vector<at::Tensor> result_gradients;
    const auto add = [&](const at::Tensor& result, const at::Tensor& gradient) {
      if (!gradient.defined()) return;
      results.push_back(result);
      result_gradients.push_back(aliases.of(gradient));
    };
    add(again, of_output);
    add(next_h, of_h);
    add(next_c, of_c);
    gradients = torch::autograd::grad(results, from, result_gradients, /*retain_graph=*/false,
                                      /*create_graph=*/false, /*allow_unused=*/true);
  }
  for (size_t i = 0; i < gradients.size(); ++i) {
    gradients[i] = to_device(gradients[i].defined() ? gradients[i] : at::zeros_like(from[i]));
  }
  return {time_major(gradients[0], batch_first), gradients[1], rnn.c.defined() ? gradients[2] : at::Tensor(),
          wanted[3] ? weights_in(gradients.back(), rnn) : std::vector<at::Tensor>()};
}

// A new packed buffer, which the weights become views of.
at::Tensor cudnn_rnn_flatten_weight(at::TensorList weights, int64_t weights_per_layer, int64_t input_size,
                                    int64_t mode, int64_t hidden_size, int64_t projection, int64_t layers,
                                    bool /*batch_first*/, bool bidirectional) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  TORCH_CHECK(!weights.empty(), "empty weight list");
  TORCH_CHECK_NOT_IMPLEMENTED(projection == 0 && !bidirectional && weights_per_layer == 4,
                              "the device for tests packs only layers with biases, in one direction, without "
                              "projections");
  Layers rnn{};
  rnn.input = at::empty({1, 1, input_size}, weights[0].options());
  rnn.weights = weights.vec();
  rnn.mode = mode;
  rnn.hidden_size = hidden_size;
  rnn.layers = layers;
  for (size_t i = 0; i < weights.size(); ++i) {
    check_same("parameter", rnn.input, weights[i]);
    TORCH_CHECK(weights[i].sizes() == weight_sizes(rnn, i), "rnn: expected weight ", i, " of shape ",
                weight_sizes(rnn, i), ", got ", weights[i].sizes());
  }
  count_operation("_cudnn_rnn_flatten_weight");
  at::Tensor packed = pack(rnn);
  const std::vector<at::Tensor> places = weights_in(packed, rnn);
  for (size_t i = 0; i < places.size(); ++i) rnn.weights[i].set_(places[i]);
  return packed;
}

// As in LibTorch's _cudnn_impl, the storage of the first weight is the packed buffer if it has all weights in
// order.
at::Tensor packed_storage(at::TensorList weights, int64_t layers) {
  const at::Storage& storage = weights[0].storage();
  int64_t offset = 0;
  for (const size_t i : packed_order(layers)) {
    const at::Tensor& weight = weights[i];
    if (!weight.is_contiguous() || !weight.storage().is_alias_of(storage) ||
        weight.storage_offset() != offset) {
      return {};
    }
    offset += weight.numel();
  }
  if (storage.nbytes() != static_cast<size_t>(offset) * weights[0].itemsize()) return {};
  const at::AutoGradMode no_grad(false);
  return weights[0].detach().as_strided({offset}, {1}, 0);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> by_cudnn(Mode mode, const at::Tensor& input,
                                                        const at::Tensor& h, const at::Tensor& c,
                                                        at::TensorList weights, bool has_biases,
                                                        int64_t layers, double dropout, bool training,
                                                        bool bidirectional, bool batch_first) {
  const at::Tensor packed = packed_storage(weights, layers);
  const auto result = at::_cudnn_rnn(
      input, weights, has_biases ? 4 : 2, packed.defined() ? std::optional(packed) : std::nullopt, h,
      c.defined() ? std::optional(c) : std::nullopt, mode, h.size(2), 0, layers, batch_first, dropout,
      training, bidirectional, at::IntArrayRef(), std::nullopt);
  return {std::get<0>(result), std::get<1>(result), std::get<2>(result)};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> lstm(const at::Tensor& input, at::TensorList state,
                                                    at::TensorList weights, bool has_biases, int64_t layers,
                                                    double dropout, bool training, bool bidirectional,
                                                    bool batch_first) {
  return by_cudnn(kLstm, input, state[0], state[1], weights, has_biases, layers, dropout, training,
                  bidirectional, batch_first);
}

template <Mode kMode>
std::tuple<at::Tensor, at::Tensor> plain(const at::Tensor& input, const at::Tensor& h, at::TensorList weights,
                                         bool has_biases, int64_t layers, double dropout, bool training,
                                         bool bidirectional, bool batch_first) {
  const auto [output, next_h, nothing] = by_cudnn(kMode, input, h, {}, weights, has_biases, layers, dropout,
                                                  training, bidirectional, batch_first);
  return {output, next_h};
}

}  // namespace

void register_cudnn(torch::Library& aten, torch::Library& autograd) {
  aten.impl("_cudnn_rnn", TORCH_FN(cudnn_rnn));
  aten.impl("_cudnn_rnn_backward", TORCH_FN(cudnn_rnn_backward));
  aten.impl("_cudnn_rnn_flatten_weight", TORCH_FN(cudnn_rnn_flatten_weight));
  for (torch::Library* library : {&aten, &autograd}) {
    library->impl("lstm.input", TORCH_FN(lstm));
    library->impl("gru.input", TORCH_FN(plain<kGru>));
    library->impl("rnn_tanh.input", TORCH_FN(plain<kTanh>));
    library->impl("rnn_relu.input", TORCH_FN(plain<kRelu>));
  }
}

}  // namespace charrnn::test_backend
