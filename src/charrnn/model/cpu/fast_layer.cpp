#include "charrnn/model/cpu/fast_layer.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "charrnn/core/error.h"
#include "charrnn/model/buffers.h"
#include "charrnn/model/cpu/layer_products.h"
#include "charrnn/model/cpu/padded_weights.h"
#include "charrnn/model/cpu/recurrent_pass.h"

namespace charrnn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using MaybeTensor = std::optional<at::Tensor>;  // autograd takes no undefined tensors

at::Tensor dense(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.contiguous() : tensor;
}

MaybeTensor maybe(const at::Tensor& tensor) {
  return tensor.defined() ? MaybeTensor(tensor.contiguous()) : std::nullopt;
}

// x (T, B, I) -> W_ih x + biases (T, B, GH).
struct InputProduct : torch::autograd::Function<InputProduct> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weights,
                            const at::Tensor& bias) {
    context->save_for_backward({x, weights});
    return times_transposed(x.flatten(0, 1), weights, bias).view({x.size(0), x.size(1), -1});
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list kept = context->get_saved_variables();
    const at::Tensor& x = kept[0];
    const at::Tensor& weights = kept[1];
    const at::Tensor sums = gradients[0].flatten(0, 1);  // (T B, GH)
    const at::Tensor grad_weights = take_buffer(weights.sizes());
    weight_gradient(sums, x.flatten(0, 1), grad_weights);
    const at::Tensor grad_x =
        context->needs_input_grad(0) ? times(sums, weights).view(x.sizes()) : at::Tensor();
    return {grad_x, grad_weights, sums.sum(0)};
  }
};

// Arguments of a layer that have no gradient.
struct Mode {
  Cell cell;
  bool keep;       // for backward
  at::Tensor ids;  // (T, B): position (t, b) takes row ids[t][b] of inputs; undefined: row (t, b)
};

RecurrentShape shape_of(Cell cell, int64_t length, const at::Tensor& h) {
  return {&recurrent_kernels(), &cell_kernels(cell), length, h.size(0), h.size(1), at::get_num_threads()};
}

// Tensors that forward keeps for backward.
struct Kept {
  at::Tensor recurrent;  // (GH, H)
  at::Tensor ids;        // (T, B) or undefined
  at::Tensor h;          // (T + 1, B, H)
  at::Tensor c;          // the same for an LSTM
  at::Tensor saved;      // (T, B, S H): values that the cell saved in each step

  void save(AutogradContext* context) const { context->save_for_backward({recurrent, ids, h, c, saved}); }
  static Kept of(const AutogradContext* context) {
    const variable_list list = context->get_saved_variables();
    return {list[0], list[1], list[2], list[3], list[4]};
  }
};

// The time steps of a layer. inputs: W_ih x + biases of each position (T, B, GH), which an LSTM's forward
// overwrites; with ids, of each character (V, GH). first_c (B, H) is only for an LSTM; apart (H), which is
// b_hn, only for a GRU.
struct FastLayer : torch::autograd::Function<FastLayer> {
  static variable_list forward(AutogradContext* context, const at::Tensor& inputs,
                               const at::Tensor& recurrent, const at::Tensor& first_h,
                               const MaybeTensor& first_c, const MaybeTensor& apart, const Mode& mode);
  static variable_list backward(AutogradContext* context, const variable_list& gradients);
};

variable_list FastLayer::forward(AutogradContext* context, const at::Tensor& inputs,
                                 const at::Tensor& recurrent, const at::Tensor& first_h,
                                 const MaybeTensor& first_c, const MaybeTensor& apart, const Mode& mode) {
  const auto& [cell, keep, ids] = mode;
  const RecurrentShape shape = shape_of(cell, ids.defined() ? ids.size(0) : inputs.size(0), first_h);
  const int64_t T = shape.length;
  const int64_t B = shape.lanes;
  const int64_t H = shape.hidden;
  const at::Tensor h = take_buffer({T + 1, B, H});
  h[0].copy_(first_h);
  at::Tensor c;
  if (first_c) {
    c = take_buffer({keep ? T + 1 : 1, B, H});
    c[0].copy_(*first_c);
  }
  // An LSTM's step reads its inputs before it writes what it saves, in the same order.
  const bool in_place = !ids.defined() && keep && cell == Cell::kLstm;
  const at::Tensor saved = in_place ? inputs.detach() : take_buffer({keep ? T : 1, B, shape.cell->saved * H});
  const at::Tensor packed = take_buffer(recurrent.sizes());
  run_forward(shape, {.weights = data(recurrent),
                      .packed = mutable_data(packed),
                      .inputs = data(inputs),
                      .ids = ids.defined() ? ids.const_data_ptr<int64_t>() : nullptr,
                      .bias = apart ? data(*apart) : nullptr,
                      .h = mutable_data(h),
                      .c = mutable_data(c),
                      .saved = mutable_data(saved),
                      .keep = keep});
  if (keep) {
    Kept{recurrent, ids, h, c, saved}.save(context);
    context->saved_data["cell"] = static_cast<int64_t>(cell);
    context->saved_data["input_rows"] = inputs.size(0);
    context->set_materialize_grads(false);
  }
  variable_list results{h.narrow(0, 1, T), h[T].clone()};
  if (first_c) results.push_back(c[c.size(0) - 1].clone());
  return results;
}

// The gradient of W_hh from the gradients of the sums (N, SH) and the h before each step: one product over
// all steps.
at::Tensor recurrent_gradient(Cell cell, const at::Tensor& sums, const at::Tensor& before) {
  const int64_t H = before.size(1);
  const at::Tensor gradient = take_buffer({gate_count(cell) * H, H});
  if (cell == Cell::kGru) {  // sums: q, r, z, n; weights: r, z, n
    weight_gradient(sums.narrow(1, H, 2 * H), before, gradient.narrow(0, 0, 2 * H));
    weight_gradient(sums.narrow(1, 0, H), before, gradient.narrow(0, 2 * H, H));
  } else {
    weight_gradient(sums, before, gradient);
  }
  return gradient;
}

// The gradient of the inputs from the gradients of the sums of their gates (N, GH): for `rows` characters
// with ids (T, B), otherwise for each position.
at::Tensor inputs_gradient(const at::Tensor& sums, const at::Tensor& ids, int64_t rows,
                           const RecurrentShape& shape) {
  if (!ids.defined()) return sums.view({shape.length, shape.lanes, -1});
  const at::Tensor table = take_buffer({rows, sums.size(1)}).zero_();
  add_rows(data(sums), sums.stride(0), ids.const_data_ptr<int64_t>(), ids.numel(), sums.size(1),
           mutable_data(table), shape.threads);
  return table;
}

variable_list FastLayer::backward(AutogradContext* context, const variable_list& gradients) {
  check(context->saved_data.count("used") == 0,
        "what the layer kept was used up by an earlier backward; call forward again");
  context->saved_data["used"] = true;
  const auto& [recurrent, ids, h, c, saved] = Kept::of(context);
  const Cell cell = static_cast<Cell>(context->saved_data["cell"].toInt());
  const bool is_gru = cell == Cell::kGru;
  const RecurrentShape shape = shape_of(cell, h.size(0) - 1, h[0]);
  const int64_t T = shape.length;
  const int64_t H = shape.hidden;

  const at::Tensor grad_output = dense(gradients[0]);
  const at::Tensor grad_h = dense(gradients[1]);
  const bool has_grad_c = c.defined() && gradients[2].defined();
  const at::Tensor carry = has_grad_c ? dense(gradients[2]).clone() : at::zeros_like(h[0]);
  const at::Tensor sums =
      (shape.cell->saved > 0 ? saved : take_buffer({T, shape.lanes, H})).view({T * shape.lanes, -1});
  const at::Tensor packed = take_buffer(recurrent.sizes());
  at::Tensor grad_first_h = context->needs_input_grad(2) ? take_buffer(h[0].sizes()) : at::Tensor();
  run_backward(shape, {.weights = data(recurrent),
                       .packed = mutable_data(packed),
                       .grad_output = data(grad_output),
                       .grad_h = data(grad_h),
                       .h = data(h),
                       .c = data(c),
                       .carry = mutable_data(carry),
                       .sums = mutable_data(sums),
                       .first_h = mutable_data(grad_first_h)});
  if (is_gru && grad_first_h.defined()) grad_first_h.add_(carry);

  // In the order of the weights. A GRU's sums begin with q, which does not depend on the input.
  const at::Tensor input_sums = is_gru ? sums.narrow(1, H, 3 * H) : sums;
  return {inputs_gradient(input_sums, ids, context->saved_data["input_rows"].toInt(), shape),
          recurrent_gradient(cell, sums, h.narrow(0, 0, T).flatten(0, 1)),
          grad_first_h,
          c.defined() ? carry : at::Tensor(),
          is_gru ? sums.narrow(1, 0, H).sum(0) : at::Tensor(),
          {}};
}

// W_ih x + biases, and the ids that select its rows, if any.
struct Inputs {
  at::Tensor rows;  // (T, B, GH), or (V or T B, GH) with ids
  at::Tensor ids;   // (T, B)
};
Inputs inputs_of(const LayerInput& from, const PaddedWeights& weights) {
  const auto& [x, ids, embedding] = from;
  const at::Tensor& W = weights.input;
  const auto product = [&](const at::Tensor& wide) {
    return InputProduct::apply(pad_last(wide).contiguous(), pad_last(W).contiguous(),
                               weights.bias.contiguous());
  };
  if (x.defined()) return {product(x), {}};
  if (embedding.defined()) {
    // A table, unless it would have more rows than there are positions.
    if (embedding.size(0) <= ids.numel()) return {at::linear(embedding, W, weights.bias).contiguous(), ids};
    return {product(at::embedding(embedding, ids)), {}};
  }
  if (W.size(1) <= ids.numel()) return {(W.t() + weights.bias).contiguous(), ids};
  const at::Tensor rows = W.index_select(1, ids.flatten()).t() + weights.bias;
  return {rows.contiguous(), at::arange(ids.numel(), ids.options()).view(ids.sizes())};
}

}  // namespace

LayerOutput fast_layer(Cell cell, const LayerWeights& weights, const LayerInput& from, const at::Tensor& h,
                       const at::Tensor& c) {
  const PaddedWeights padded = padded_weights(cell, weights);
  const Inputs inputs = inputs_of(from, padded);
  const Mode mode{cell, c10::GradMode::is_enabled(), dense(inputs.ids)};
  variable_list result = FastLayer::apply(inputs.rows, padded.recurrent.contiguous(), pad_last(h),
                                          maybe(pad_last(c)), maybe(padded.apart), mode);
  const int64_t H = weights.recurrent.size(1);
  if (result[0].size(-1) > H) {
    for (at::Tensor& tensor : result) tensor = tensor.narrow(-1, 0, H).contiguous();
  }
  return {result[0], result[1], result.size() > 2 ? result[2] : at::Tensor()};
}

}  // namespace charrnn
