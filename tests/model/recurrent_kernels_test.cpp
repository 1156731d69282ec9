// The kernels of every instruction set of this processor, against the same layer and products by tensor
// operations in doubles.
#include "charrnn/model/cpu/recurrent_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <tuple>

#include "charrnn/core/error.h"
#include "charrnn/model/buffers.h"
#include "charrnn/model/cpu/packed_weights.h"
#include "charrnn/model/cpu/recurrent_pass.h"
#include "charrnn/model/recurrent_layer.h"
#include "small_model.h"

namespace charrnn {
namespace {

const std::vector<const RecurrentKernels*> kTables {
#if defined(__x86_64__)
  &kAvx512Kernels, &kAvx2Kernels,
#endif
      &kPlainKernels
};

const CellKernels& kernels_of(const RecurrentKernels& table, Cell cell) {
  if (cell == Cell::kLstm) return table.lstm;
  if (cell == Cell::kGru) return table.gru;
  return cell == Cell::kRnnTanh ? table.rnn_tanh : table.rnn_relu;
}

struct Sizes {
  int64_t T, B, H;  // H: a multiple of kUnitStep
  int64_t V = 0;    // with ids, over a table of V rows
};

// A layer's operands, in doubles that floats hold exactly.
struct Operands {
  Operands(Cell cell, const Sizes& s) : sizes(s), gates(gate_count(cell)) {
    const auto numbers = [](at::IntArrayRef shape, double shift) {
      return some_numbers(shape, shift, at::kFloat).to(at::kDouble);
    };
    weights = numbers({gates * s.H, s.H}, 0.2).div(static_cast<double>(s.H)).to(at::kFloat).to(at::kDouble);
    inputs =
        numbers(s.V > 0 ? at::IntArrayRef{s.V, gates * s.H} : at::IntArrayRef{s.T, s.B, gates * s.H}, 1.3);
    if (s.V > 0) ids = some_ids(s.T, s.B).mul(7).remainder(s.V);
    if (cell == Cell::kGru) bias = numbers({s.H}, 0.5);
    h = numbers({s.B, s.H}, 2.1);
    if (cell == Cell::kLstm) c = numbers({s.B, s.H}, 0.8);
    grad_output = numbers({s.T, s.B, s.H}, 0.1);
    grad_h = numbers({s.B, s.H}, 0.9);
    if (cell == Cell::kLstm) grad_c = numbers({s.B, s.H}, 0.4);
  }

  Sizes sizes;
  int64_t gates;
  at::Tensor weights, inputs, ids, bias, h, c, grad_output, grad_h, grad_c;
};

struct Result {
  at::Tensor h;           // (T + 1, B, H)
  at::Tensor c;           // (B, H) after the last step
  at::Tensor grad_sums;   // (T, B, GH), in the order of the weights
  at::Tensor grad_q;      // (T, B, H) of a GRU
  at::Tensor grad_first;  // (B, H) of the first h
  at::Tensor grad_c;      // (B, H) of the first c
};

// By the cells' formulas, and autograd.
Result expected(Cell cell, const Operands& o) {
  const auto& [T, B, H, V] = o.sizes;
  const at::Tensor rows =
      (V > 0 ? o.inputs.index_select(0, o.ids.flatten()).view({T, B, -1}) : o.inputs.clone())
          .requires_grad_();
  const at::Tensor extra_q = at::zeros({T, B, H}, at::kDouble).requires_grad_();
  const at::Tensor first_h = o.h.clone().requires_grad_();
  const at::Tensor first_c = o.c.defined() ? o.c.clone().requires_grad_() : at::Tensor();
  at::Tensor h = first_h;
  at::Tensor c = first_c;
  std::vector<at::Tensor> all{h};
  for (int64_t t = 0; t < T; ++t) {
    const std::vector<at::Tensor> x = rows[t].chunk(o.gates, 1);
    const std::vector<at::Tensor> s = h.matmul(o.weights.t()).chunk(o.gates, 1);
    if (cell == Cell::kLstm) {
      c = (x[1] + s[1]).sigmoid() * c + (x[0] + s[0]).sigmoid() * (x[2] + s[2]).tanh();
      h = (x[3] + s[3]).sigmoid() * c.tanh();
    } else if (cell == Cell::kGru) {
      const at::Tensor z = (x[1] + s[1]).sigmoid();
      const at::Tensor q = s[2] + o.bias + extra_q[t];
      h = (1 - z) * (x[2] + (x[0] + s[0]).sigmoid() * q).tanh() + z * h;
    } else {
      h = cell == Cell::kRnnTanh ? (x[0] + s[0]).tanh() : (x[0] + s[0]).relu();
    }
    all.push_back(h);
  }
  const at::Tensor outputs = at::stack(all);
  at::Tensor loss = (outputs.narrow(0, 1, T) * o.grad_output).sum() + (h * o.grad_h).sum();
  if (c.defined()) loss = loss + (c * o.grad_c).sum();
  loss.backward();
  return {outputs.detach(), c.defined() ? c.detach() : c,    rows.grad(), extra_q.grad(),
          first_h.grad(),   c.defined() ? first_c.grad() : c};
}

at::Tensor floats(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.to(at::kFloat).contiguous() : tensor;
}

// (..., H) with `first` as its beginning, not initialised after it.
at::Tensor room(at::IntArrayRef shape, const at::Tensor& first) {
  const at::Tensor tensor = at::full(shape, 77, at::kFloat);
  if (first.defined()) tensor[0].copy_(first);
  return tensor;
}

Result found(const RecurrentKernels& table, Cell cell, const Operands& o, int threads, bool keep) {
  const auto& [T, B, H, V] = o.sizes;
  const RecurrentShape shape{&table, &kernels_of(table, cell), T, B, H, threads};
  const at::Tensor weights = floats(o.weights);
  const at::Tensor inputs = floats(o.inputs);
  const at::Tensor bias = floats(o.bias);
  const at::Tensor packed = at::empty_like(weights);
  const at::Tensor h = room({T + 1, B, H}, o.h);
  const at::Tensor c = o.c.defined() ? room({keep ? T + 1 : 1, B, H}, o.c) : at::Tensor();
  const at::Tensor saved = room({keep ? T : 1, B, shape.cell->saved * H}, {});
  run_forward(shape, {.weights = data(weights),
                      .packed = mutable_data(packed),
                      .inputs = data(inputs),
                      .ids = V > 0 ? o.ids.const_data_ptr<int64_t>() : nullptr,
                      .bias = data(bias),
                      .h = mutable_data(h),
                      .c = mutable_data(c),
                      .saved = mutable_data(saved),
                      .keep = keep});
  const at::Tensor last_c = c.defined() ? c[c.size(0) - 1].clone() : c;
  if (!keep) return {h, last_c, {}, {}, {}, {}};
  const at::Tensor sums = shape.cell->saved > 0 ? saved : room({T, B, H}, {});
  const at::Tensor grad_output = floats(o.grad_output);
  const at::Tensor grad_h = floats(o.grad_h);
  const at::Tensor carry = o.grad_c.defined() ? floats(o.grad_c) : at::zeros({B, H});
  const at::Tensor first = room({B, H}, {});
  run_backward(shape, {.weights = data(weights),
                       .packed = mutable_data(packed),
                       .grad_output = data(grad_output),
                       .grad_h = data(grad_h),
                       .h = data(h),
                       .c = data(c),
                       .carry = mutable_data(carry),
                       .sums = mutable_data(sums),
                       .first_h = mutable_data(first)});
  if (cell != Cell::kGru) return {h, last_c, sums, {}, first, carry};
  return {h, last_c, sums.narrow(2, H, 3 * H), sums.narrow(2, 0, H), first + carry, {}};
}

// Bounds are the errors of floats over the longest of these sums, for numbers of about 1.
void expect_same(const RecurrentKernels& table, Cell cell, const Sizes& sizes) {
  SCOPED_TRACE(concat(table.name, " ", enum_name(cell), " T ", sizes.T, " B ", sizes.B, " H ", sizes.H, " V ",
                      sizes.V));
  const Operands operands(cell, sizes);
  const Result exact = expected(cell, operands);
  const Result result = found(table, cell, operands, /*threads=*/1, /*keep=*/true);
  EXPECT_LT(largest_difference(result.h, exact.h), 2e-6);
  EXPECT_LT(largest_difference(result.grad_sums, exact.grad_sums), 1e-5);
  EXPECT_LT(largest_difference(result.grad_first, exact.grad_first), 1e-5);
  if (cell == Cell::kLstm) {
    EXPECT_LT(largest_difference(result.c, exact.c), 2e-6);
    EXPECT_LT(largest_difference(result.grad_c, exact.grad_c), 1e-5);
  }
  if (cell == Cell::kGru) {
    EXPECT_LT(largest_difference(result.grad_q, exact.grad_q), 1e-5);
  }
  // Three threads and evaluation give the same bits.
  const Result shared = found(table, cell, operands, /*threads=*/3, /*keep=*/true);
  EXPECT_TRUE(at::equal(shared.h, result.h));
  EXPECT_TRUE(at::equal(shared.grad_sums, result.grad_sums));
  EXPECT_TRUE(at::equal(shared.grad_first, result.grad_first));
  const Result evaluated = found(table, cell, operands, /*threads=*/2, /*keep=*/false);
  EXPECT_TRUE(at::equal(evaluated.h, result.h));
  if (cell == Cell::kLstm) {
    EXPECT_TRUE(at::equal(evaluated.c, result.c));
  }
}

class RecurrentKernelsOf : public testing::TestWithParam<const RecurrentKernels*> {
 protected:
  void SetUp() override {
    if (!runs_here(*GetParam())) GTEST_SKIP() << "this processor has no " << GetParam()->name;
  }
};

TEST_P(RecurrentKernelsOf, CellsEqualTheirFormulasInEverySize) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu}) {
    EXPECT_EQ(kernels_of(*GetParam(), cell).gates, gate_count(cell));
    for (const Sizes& sizes : {
             Sizes{1, 1, 16}, Sizes{2, 1, 16, 11}, Sizes{3, 7, 32}, Sizes{5, 7, 144, 23},
             Sizes{3, 70, 80, 11},  // more lanes than stay in cache
             Sizes{2, 6, 560},      // deeper than one part of a panel
         }) {
      expect_same(*GetParam(), cell, sizes);
    }
  }
}

// One block of the product at a time, with a part of the rows, as when threads share it.
TEST_P(RecurrentKernelsOf, ProductOfRowsEqualsTheMatrixProduct) {
  for (const auto& [rows, depth, columns] :
       {std::tuple{1, 5, 16}, std::tuple{7, 33, 80}, std::tuple{70, 16, 144}, std::tuple{9, 600, 48}}) {
    const at::Tensor a = some_numbers({rows, depth + 3}, 0.3, at::kFloat).narrow(1, 0, depth);
    const at::Tensor b = some_numbers({depth, columns}, 1.3, at::kFloat);
    const at::Tensor bias = some_numbers({columns}, 0.7, at::kFloat);
    const PackedOrder order{1, columns, depth, kBlockColumns, GetParam()->panel_columns};
    const at::Tensor packed = at::empty({order.size()});
    pack(data(b), order, /*first_row=*/0, 0, order.blocks(), mutable_data(packed));
    for (const bool has_bias : {true, false}) {
      const at::Tensor c = at::full({rows, columns}, 77, at::kFloat);
      const RowProduct product{.a = data(a),
                               .a_stride = a.stride(0),
                               .depth = depth,
                               .weights = data(packed),
                               .columns = columns,
                               .bias = has_bias ? data(bias) : nullptr,
                               .c = mutable_data(c)};
      for (int64_t block = 0; block < order.blocks(); ++block) {
        GetParam()->multiply_rows(product, {block, block + 1, 0, rows / 2});
        GetParam()->multiply_rows(product, {block, block + 1, rows / 2, rows});
      }
      at::Tensor exact = a.to(at::kDouble).matmul(b.to(at::kDouble));
      if (has_bias) exact = exact + bias;
      EXPECT_LT(largest_difference(c, exact), 1e-6 * depth) << rows << " x " << depth << " x " << columns;
    }
  }
}

TEST_P(RecurrentKernelsOf, TransposedProductEqualsTheMatrixProduct) {
  for (const auto& [depth, rows, columns] :
       {std::tuple{1, 5, 16}, std::tuple{33, 64, 80}, std::tuple{70, 131, 144}, std::tuple{1100, 9, 48}}) {
    const at::Tensor a = some_numbers({depth, rows + 5}, 0.3, at::kFloat).narrow(1, 0, rows);
    const at::Tensor b = some_numbers({depth, columns}, 1.3, at::kFloat);
    const PackedOrder order{1, columns, depth, kBlockColumns, GetParam()->panel_columns};
    const at::Tensor packed = at::empty({order.size()});
    pack(data(b), order, /*first_row=*/0, 0, order.blocks(), mutable_data(packed));
    const at::Tensor c = at::full({rows, columns}, 77, at::kFloat);
    const WeightGradient product{.a = data(a),
                                 .a_stride = a.stride(0),
                                 .b = data(packed),
                                 .depth = depth,
                                 .columns = columns,
                                 .c = mutable_data(c)};
    GetParam()->multiply_transposed(product, 0, rows / 3);
    GetParam()->multiply_transposed(product, rows / 3, rows);
    const at::Tensor exact = a.to(at::kDouble).t().matmul(b.to(at::kDouble));
    EXPECT_LT(largest_difference(c, exact), 1e-6 * std::max(depth, 5))
        << depth << " " << rows << " " << columns;
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, RecurrentKernelsOf, testing::ValuesIn(kTables),
                         [](const auto& table) { return std::string(table.param->name); });

TEST(RecurrentKernels, TheBestThatRunsIsChosen) {
  const auto best = std::ranges::find_if(kTables, [](const auto* table) { return runs_here(*table); });
  EXPECT_EQ(&recurrent_kernels(), *best);
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu}) {
    EXPECT_EQ(&cell_kernels(cell), &kernels_of(**best, cell));
  }
}

// ctest runs this test with avx2 and default, too.
TEST(KernelChoice, NoWiderThanTheEnvironmentAllows) {
  const char* const widest = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string_view name = recurrent_kernels().name;
  if (widest == nullptr) GTEST_SKIP() << "ATEN_CPU_CAPABILITY is not set";
  const std::string_view excluded = widest == std::string_view("default") ? "avx2" : "";
  EXPECT_NE(name, excluded);
  EXPECT_NE(name, "avx512");
}

}  // namespace
}  // namespace charrnn
