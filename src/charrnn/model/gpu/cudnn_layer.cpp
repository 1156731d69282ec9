#include "charrnn/model/gpu/cudnn_layer.h"

#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <vector>

namespace charrnn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using MaybeTensor = std::optional<at::Tensor>;

constexpr int64_t kWeights = 4;  // of a layer

// cudnnRNNMode_t.
int64_t mode_number(Cell cell) {
  switch (cell) {
    case Cell::kRnnRelu:
      return 0;
    case Cell::kRnnTanh:
      return 1;
    case Cell::kLstm:
      return 2;
    case Cell::kGru:
      return 3;
  }
  return 2;
}

MaybeTensor maybe(const at::Tensor& tensor) {
  return tensor.defined() ? MaybeTensor(tensor) : std::nullopt;
}

// Converts cuDNN's gradients of the four weights to another type, in one operation if they are adjacent.
std::vector<at::Tensor> converted(const std::vector<at::Tensor>& gradients, at::ScalarType type, int64_t rows,
                                  int64_t width, int64_t hidden) {
  if (gradients[0].scalar_type() == type) return gradients;
  int64_t count = 0;
  bool side_by_side = true;
  for (const at::Tensor& gradient : gradients) {
    side_by_side = side_by_side && gradient.is_contiguous() && gradient.is_alias_of(gradients[0]) &&
                   gradient.storage_offset() == gradients[0].storage_offset() + count;
    count += gradient.numel();
  }
  if (side_by_side) {
    return weights_in(gradients[0].as_strided({count}, {1}, gradients[0].storage_offset()).to(type), rows,
                      width, hidden);
  }
  std::vector<at::Tensor> result;
  for (const at::Tensor& gradient : gradients) result.push_back(gradient.to(type));
  return result;
}

// Arguments of a layer that have no gradient.
struct Mode {
  Cell cell;
  at::Tensor buffer;  // the weights
  bool training;
};

// Tensors that forward keeps for backward.
struct Kept {
  at::Tensor x;        // (T, B, I)
  at::Tensor packed;   // the weights in the type of x
  at::Tensor h;        // (1, B, H) before the first step
  at::Tensor c;        // the same for an LSTM
  at::Tensor output;   // (T, B, H)
  at::Tensor reserve;  // cuDNN's own

  void save(AutogradContext* context) const {
    context->save_for_backward({x, packed, h, c, output, reserve});
  }
  static Kept of(const AutogradContext* context) {
    const variable_list list = context->get_saved_variables();
    return {list[0], list[1], list[2], list[3], list[4], list[5]};
  }
};

// Computes with the buffer; `weights`, in the order of LayerWeights, are arguments only for their gradients.
struct CudnnLayer : torch::autograd::Function<CudnnLayer> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::TensorList& weights,
                               const at::Tensor& h, const MaybeTensor& c, const Mode& mode) {
    const auto& [cell, buffer, training] = mode;
    const at::Tensor packed = buffer.to(x.scalar_type());
    const at::Tensor dense_x = x.contiguous();
    const at::Tensor first_h = h.unsqueeze(0).contiguous();
    const MaybeTensor first_c = c ? MaybeTensor(c->unsqueeze(0).contiguous()) : std::nullopt;
    const int64_t rows = weights[1].size(0);
    const int64_t width = weights[0].size(1);
    const int64_t hidden = weights[1].size(1);
    const auto [output, next_h, next_c, reserve, unused] =
        at::_cudnn_rnn(dense_x, weights_in(packed, rows, width, hidden), kWeights, packed, first_h, first_c,
                       mode_number(cell), hidden, /*proj_size=*/0, /*num_layers=*/1, /*batch_first=*/false,
                       /*dropout=*/0.0, training, /*bidirectional=*/false, /*batch_sizes=*/{},
                       /*dropout_state=*/{});
    Kept{dense_x, packed, first_h, first_c.value_or(at::Tensor()), output, reserve}.save(context);
    context->saved_data["cell"] = static_cast<int64_t>(cell);
    context->saved_data["weight_type"] = static_cast<int64_t>(buffer.scalar_type());
    context->set_materialize_grads(false);
    variable_list results{output, next_h.squeeze(0)};
    if (c) results.push_back(next_c.squeeze(0));
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Kept kept = Kept::of(context);
    const Cell cell = static_cast<Cell>(context->saved_data["cell"].toInt());
    const auto weight_type = static_cast<at::ScalarType>(context->saved_data["weight_type"].toInt());
    const int64_t width = kept.x.size(2);
    const int64_t hidden = kept.h.size(2);
    const int64_t rows = gate_count(cell) * hidden;
    const bool has_c = kept.c.defined();
    const auto state_gradient = [&](size_t i) {
      return i < gradients.size() && gradients[i].defined() ? MaybeTensor(gradients[i].unsqueeze(0))
                                                            : std::nullopt;
    };
    const auto [grad_x, grad_h, grad_c, grad_weights] = at::_cudnn_rnn_backward(
        kept.x, weights_in(kept.packed, rows, width, hidden), kWeights, kept.packed, kept.h, maybe(kept.c),
        kept.output, maybe(gradients[0]), state_gradient(1), state_gradient(2), mode_number(cell), hidden,
        /*proj_size=*/0, /*num_layers=*/1, /*batch_first=*/false, /*dropout=*/0.0, /*train=*/true,
        /*bidirectional=*/false, /*batch_sizes=*/{}, /*dropout_state=*/{}, kept.reserve,
        {true, true, has_c, true});
    variable_list results{grad_x};
    for (const at::Tensor& weight : converted(grad_weights, weight_type, rows, width, hidden)) {
      results.push_back(weight);
    }
    results.insert(results.end(),
                   {grad_h.squeeze(0), has_c ? grad_c.squeeze(0) : at::Tensor(), at::Tensor()});
    return results;
  }
};

}  // namespace

std::vector<at::Tensor> weights_in(const at::Tensor& buffer, int64_t rows, int64_t width, int64_t hidden) {
  std::vector<at::Tensor> weights;
  int64_t first = 0;
  const auto take = [&](at::IntArrayRef sizes, int64_t count) {
    weights.push_back(buffer.narrow(0, first, count).view(sizes));
    first += count;
  };
  take({rows, width}, rows * width);
  take({rows, hidden}, rows * hidden);
  take({rows}, rows);
  take({rows}, rows);
  return weights;
}

bool cudnn_serves(Cell cell, int64_t input_width, int64_t hidden, at::ScalarType type, at::Device device) {
  if (device == at::kCPU) return false;
  const c10::AutoGradMode no_grad(false);
  const int64_t rows = gate_count(cell) * hidden;
  // Numbers that are exact in all types.
  const at::Tensor numbers =
      at::arange(rows * (input_width + hidden + 2), at::TensorOptions().dtype(at::kLong).device(device))
          .remainder(251)
          .to(type);
  std::vector<at::Tensor> weights;
  for (const at::Tensor& weight : weights_in(numbers, rows, input_width, hidden)) {
    weights.push_back(weight.clone());
  }
  try {
    const at::Tensor arranged = at::_cudnn_rnn_flatten_weight(
        weights, kWeights, input_width, mode_number(cell), hidden, /*proj_size=*/0, /*num_layers=*/1,
        /*batch_first=*/false, /*bidirectional=*/false);
    if (arranged.sizes() != numbers.sizes() || !at::equal(arranged, numbers)) return false;
    const at::Tensor state = at::zeros({1, hidden}, numbers.options());
    cudnn_layer(cell, {weights[0], weights[1], weights[2], weights[3]}, arranged,
                at::zeros({1, 1, input_width}, numbers.options()), state,
                cell == Cell::kLstm ? state : at::Tensor(), /*training=*/false);
    return true;
  } catch (const c10::Error&) {  // no cuDNN in this LibTorch, or not for this device
    return false;
  }
}

LayerOutput cudnn_layer(Cell cell, const LayerWeights& weights, const at::Tensor& buffer, const at::Tensor& x,
                        const at::Tensor& h, const at::Tensor& c, bool training) {
  const std::vector<at::Tensor> list{weights.input, weights.recurrent, weights.input_bias,
                                     weights.recurrent_bias};
  const variable_list results =
      CudnnLayer::apply(x, at::TensorList(list), h, maybe(c), Mode{cell, buffer, training});
  return {results[0], results[1], results.size() > 2 ? results[2] : at::Tensor()};
}

}  // namespace charrnn
