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

RecurrentShape shape_of(Cell cell, int64_t steps, const at::Tensor& h) {
  return {&recurrent_kernels(), &cell_kernels(cell), steps, h.size(0), h.size(1), at::get_num_threads()};
}

at::Tensor dense(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.contiguous() : tensor;
}

// A layer over x (T, B, I); or with ids (T, B) over the rows of a table (V, GH) that has W_ih x + biases. The
// undefined: `input` and `bias` with ids, `c` but for an LSTM, `apart` (H), which is b_hn, but for a GRU.
struct FastLayer : torch::autograd::Function<FastLayer> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& recurrent,
                               const at::Tensor& first_h, const MaybeTensor& first_c,
                               const MaybeTensor& apart, const MaybeTensor& input, const MaybeTensor& bias,
                               const MaybeTensor& ids, Cell cell, bool keep);
  static variable_list backward(AutogradContext* context, const variable_list& gradients);
};

variable_list FastLayer::forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& recurrent,
                                 const at::Tensor& first_h, const MaybeTensor& first_c,
                                 const MaybeTensor& apart, const MaybeTensor& input, const MaybeTensor& bias,
                                 const MaybeTensor& ids, Cell cell, bool keep) {
  const RecurrentShape shape = shape_of(cell, ids ? ids->size(0) : x.size(0), first_h);
  const int64_t T = shape.steps;
  const int64_t B = shape.lanes;
  const int64_t H = shape.hidden;
  const at::Tensor h = take_buffer({T + 1, B, H});
  h[0].copy_(first_h);
  at::Tensor c;
  if (first_c) {
    c = take_buffer({keep ? T + 1 : 1, B, H});
    c[0].copy_(*first_c);
  }
  const at::Tensor inputs = ids ? x : times_transposed(x.flatten(0, 1), *input, *bias);
  // An LSTM's step reads its inputs before it writes what it keeps, in the same order.
  const bool in_place = !ids && keep && cell == Cell::kLstm;
  const at::Tensor saved = in_place ? inputs : take_buffer({keep ? T : 1, B, shape.cell->saved * H});
  const at::Tensor packed = take_buffer(recurrent.sizes());
  run_forward(shape, {.weights = data(recurrent),
                      .packed = mutable_data(packed),
                      .inputs = data(inputs),
                      .ids = ids ? ids->const_data_ptr<int64_t>() : nullptr,
                      .bias = apart ? data(*apart) : nullptr,
                      .h = mutable_data(h),
                      .c = mutable_data(c),
                      .saved = mutable_data(saved),
                      .keep = keep});
  if (keep) {
    context->save_for_backward({ids ? at::Tensor() : x, recurrent, input.value_or(at::Tensor()),
                                ids.value_or(at::Tensor()), h, c, saved});
    context->saved_data["cell"] = static_cast<int64_t>(cell);
    context->saved_data["table_rows"] = x.size(0);
    context->set_materialize_grads(false);
  }
  variable_list results{h.narrow(0, 1, T), h[T].clone()};
  if (first_c) results.push_back(c[c.size(0) - 1].clone());
  return results;
}

// The gradient of W_hh from those of the sums (N, SH) and the h before each: one product over all steps.
at::Tensor recurrent_gradient(Cell cell, const at::Tensor& sums, const at::Tensor& before) {
  const int64_t H = before.size(1);
  const at::Tensor gradient = take_buffer({cell_kernels(cell).gates * H, H});
  if (cell == Cell::kGru) {  // sums: q, r, z, n; weights: r, z, n
    weight_gradient(sums.narrow(1, H, 2 * H), before, gradient.narrow(0, 0, 2 * H));
    weight_gradient(sums.narrow(1, 0, H), before, gradient.narrow(0, 2 * H, H));
  } else {
    weight_gradient(sums, before, gradient);
  }
  return gradient;
}

variable_list FastLayer::backward(AutogradContext* context, const variable_list& gradients) {
  check(context->saved_data.count("used") == 0,
        "what the layer kept was used up by an earlier backward; call forward again");
  context->saved_data["used"] = true;
  const variable_list kept = context->get_saved_variables();
  const at::Tensor& x = kept[0];
  const at::Tensor& recurrent = kept[1];
  const at::Tensor& input = kept[2];
  const at::Tensor& ids = kept[3];
  const at::Tensor& h = kept[4];
  const at::Tensor& c = kept[5];
  const Cell cell = static_cast<Cell>(context->saved_data["cell"].toInt());
  const bool is_gru = cell == Cell::kGru;
  const RecurrentShape shape = shape_of(cell, h.size(0) - 1, h[0]);
  const int64_t T = shape.steps;
  const int64_t H = shape.hidden;

  const at::Tensor grad_output = dense(gradients[0]);
  const at::Tensor grad_h = dense(gradients[1]);
  const bool has_grad_c = c.defined() && gradients[2].defined();
  const at::Tensor carry = has_grad_c ? dense(gradients[2]).clone() : at::zeros_like(h[0]);
  const at::Tensor sums =
      (shape.cell->saved > 0 ? kept[6] : take_buffer({T, shape.lanes, H})).view({T * shape.lanes, -1});
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

  const at::Tensor grad_recurrent = recurrent_gradient(cell, sums, h.narrow(0, 0, T).flatten(0, 1));
  const at::Tensor grad_apart = is_gru ? sums.narrow(1, 0, H).sum(0) : at::Tensor();
  const at::Tensor grad_c = c.defined() ? carry : at::Tensor();
  // In the order of the weights; a GRU's begin with q, which the input has no part in.
  const at::Tensor input_sums = is_gru ? sums.narrow(1, H, 3 * H) : sums;
  if (ids.defined()) {
    const int64_t rows = context->saved_data["table_rows"].toInt();
    const at::Tensor table = take_buffer({rows, input_sums.size(1)}).zero_();
    add_rows(data(input_sums), input_sums.stride(0), ids.const_data_ptr<int64_t>(), ids.numel(),
             input_sums.size(1), mutable_data(table), shape.threads);
    return {table, grad_recurrent, grad_first_h, grad_c, grad_apart, {}, {}, {}, {}, {}};
  }
  const at::Tensor grad_input = take_buffer(input.sizes());
  weight_gradient(input_sums, x.flatten(0, 1), grad_input);
  const at::Tensor grad_x =
      context->needs_input_grad(0) ? times(input_sums, input).view(x.sizes()) : at::Tensor();
  return {grad_x,     grad_recurrent,    grad_first_h, grad_c, grad_apart,
          grad_input, input_sums.sum(0), {},           {},     {}};
}

MaybeTensor maybe(const at::Tensor& tensor) {
  return tensor.defined() ? MaybeTensor(tensor.contiguous()) : std::nullopt;
}

}  // namespace

LayerOutput fast_layer(Cell cell, const LayerWeights& weights, const LayerInput& from, const at::Tensor& h,
                       const at::Tensor& c) {
  const PaddedWeights padded = padded_weights(cell, weights);
  const at::Tensor& input = padded.input;
  const at::Tensor& bias = padded.bias;
  const bool is_keeping = c10::GradMode::is_enabled();
  const auto apply = [&](const at::Tensor& x, const at::Tensor& x_weights, const at::Tensor& x_bias,
                         const at::Tensor& ids) {
    return FastLayer::apply(x.contiguous(), padded.recurrent.contiguous(), pad_last(h), maybe(pad_last(c)),
                            maybe(padded.apart), maybe(x_weights), maybe(x_bias), maybe(ids), cell,
                            is_keeping);
  };
  variable_list result;
  if (from.x.defined()) {
    result = apply(pad_last(from.x), pad_last(input), bias, {});
  } else if (!from.embedding.defined() && input.size(1) <= from.ids.numel()) {
    result = apply(input.t() + bias, {}, {}, from.ids);
  } else if (!from.embedding.defined()) {  // fewer positions than the table would have rows: a row for each
    const at::Tensor rows = input.index_select(1, from.ids.flatten()).t() + bias;
    result = apply(rows, {}, {}, at::arange(from.ids.numel(), from.ids.options()).view(from.ids.sizes()));
  } else if (from.embedding.size(0) <= from.ids.numel()) {
    result = apply(at::linear(from.embedding, input, bias), {}, {}, from.ids);
  } else {  // fewer rows than the table would have
    result = apply(pad_last(at::embedding(from.embedding, from.ids)), pad_last(input), bias, {});
  }
  const int64_t H = weights.recurrent.size(1);
  if (result[0].size(-1) > H) {
    for (at::Tensor& tensor : result) tensor = tensor.narrow(-1, 0, H).contiguous();
  }
  return {result[0], result[1], result.size() > 2 ? result[2] : at::Tensor()};
}

}  // namespace charrnn
