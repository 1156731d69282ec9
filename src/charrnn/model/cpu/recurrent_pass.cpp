#include "charrnn/model/cpu/recurrent_pass.h"

#include "charrnn/core/vectorize.h"
#include "charrnn/model/cpu/packed_weights.h"
#include "charrnn/model/cpu/work_shares.h"

namespace charrnn {
namespace {

ForwardStep forward_step(const RecurrentShape& s, const ForwardPass& p, int64_t t) {
  const int64_t state = s.lanes * s.hidden;
  const int64_t kept = p.keep ? t : 0;
  return {.hidden = s.hidden,
          .weights = p.packed,
          .inputs = p.ids != nullptr ? p.inputs : p.inputs + t * state * s.cell->gates,
          .ids = p.ids != nullptr ? p.ids + t * s.lanes : nullptr,
          .bias = p.bias,
          .h = p.h + t * state,
          .c = p.c + kept * state,
          .next_h = p.h + (t + 1) * state,
          .next_c = p.c + (p.keep ? t + 1 : 0) * state,
          .saved = p.saved + kept * state * s.cell->saved};
}

BackwardStep backward_step(const RecurrentShape& s, const BackwardPass& p, int64_t t) {
  const int64_t state = s.lanes * s.hidden;
  const bool is_last = t + 1 == s.length;
  return {.hidden = s.hidden,
          .depth = s.cell->gates * s.hidden,
          .stride = s.cell->sums * s.hidden,
          .weights = p.packed,
          .next_sums = is_last ? nullptr : p.sums + (t + 1) * state * s.cell->sums,
          .grad_output = p.grad_output != nullptr ? p.grad_output + t * state : nullptr,
          .grad_h = p.grad_h,
          .h = p.h + t * state,
          .next_h = p.h + (t + 1) * state,
          .c = p.c + t * state,
          .next_c = p.c + (t + 1) * state,
          .carry = p.carry,
          .sums = p.sums + t * state * s.cell->sums};
}

CHARRNN_VECTORIZED void add_row(const float* row, int64_t count, float* sum) {
  for (int64_t i = 0; i < count; ++i) sum[i] += row[i];
}

}  // namespace

void run_forward(const RecurrentShape& s, const ForwardPass& pass) {
  const PackedOrder order{s.cell->gates, s.hidden, s.hidden, s.cell->block_units, s.kernels->panel_columns};
  in_parallel(s.threads, [&](const ThreadTeam& team) {
    pack_transposed(pass.weights, order, team.first(order.blocks()), team.last(order.blocks()), pass.packed);
    const WorkShares shares(order.blocks(), s.lanes, team.threads);
    for (int64_t t = 0; t < s.length; ++t) {
      team.wait();
      const ForwardStep step = forward_step(s, pass, t);
      shares.visit(team.thread, [&](const StepShare& share) { s.cell->forward(step, share); });
    }
  });
}

void run_backward(const RecurrentShape& s, const BackwardPass& pass) {
  const int64_t depth = s.cell->gates * s.hidden;
  const PackedOrder order{1, s.hidden, depth, kBlockColumns, s.kernels->panel_columns};
  // A GRU's sums begin with q, whose weights are the last third.
  const int64_t first_row = s.cell == &s.kernels->gru ? depth - s.hidden : 0;
  in_parallel(s.threads, [&](const ThreadTeam& team) {
    pack(pass.weights, order, first_row, team.first(order.blocks()), team.last(order.blocks()), pass.packed);
    const WorkShares shares(order.blocks(), s.lanes, team.threads);
    for (int64_t t = s.length - 1; t >= 0; --t) {
      team.wait();
      const BackwardStep step = backward_step(s, pass, t);
      shares.visit(team.thread, [&](const StepShare& share) { s.cell->backward(step, share); });
    }
    if (pass.first_h == nullptr) return;
    team.wait();
    const RowProduct product{pass.sums,   s.cell->sums * s.hidden, depth, pass.packed, s.hidden, nullptr,
                             pass.first_h};
    shares.visit(team.thread, [&](const StepShare& share) { s.kernels->multiply_rows(product, share); });
  });
}

void add_rows(const float* rows, int64_t stride, const int64_t* ids, int64_t count, int64_t columns,
              float* table, int threads) {
  in_parallel(threads, [&](const ThreadTeam& team) {
    const int64_t first = team.first(columns);
    const int64_t last = team.last(columns);
    for (int64_t n = 0; n < count; ++n) {
      add_row(rows + n * stride + first, last - first, table + ids[n] * columns + first);
    }
  });
}

}  // namespace charrnn
