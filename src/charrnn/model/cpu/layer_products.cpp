#include "charrnn/model/cpu/layer_products.h"

#include <ATen/Parallel.h>

#include "charrnn/model/buffers.h"
#include "charrnn/model/cpu/packed_weights.h"
#include "charrnn/model/cpu/work_shares.h"

namespace charrnn {
namespace {

PackedOrder order_of(int64_t columns, int64_t depth) {
  return {1, columns, depth, kBlockColumns, recurrent_kernels().panel_columns};
}

// Packs weights with pack_blocks(first block, last block, to) and multiplies the rows of `a` by them.
template <class PackBlocks>
at::Tensor multiply_packing(const at::Tensor& a, const PackedOrder& order, const float* bias,
                            const PackBlocks& pack_blocks) {
  const at::Tensor packed = take_buffer({order.size()});
  at::Tensor c = take_buffer({a.size(0), order.units});
  auto* room = packed.mutable_data_ptr<float>();
  const RowProduct product{.a = a.const_data_ptr<float>(),
                           .a_stride = a.stride(0),
                           .depth = order.depth,
                           .weights = room,
                           .columns = order.units,
                           .bias = bias,
                           .c = c.mutable_data_ptr<float>()};
  in_parallel(at::get_num_threads(), [&](const ThreadTeam& team) {
    pack_blocks(team.first(order.blocks()), team.last(order.blocks()), room);
    team.wait();
    const WorkShares shares(order.blocks(), a.size(0), team.threads);
    shares.visit(team.thread,
                 [&](const StepShare& share) { recurrent_kernels().multiply_rows(product, share); });
  });
  return c;
}

}  // namespace

at::Tensor times_transposed(const at::Tensor& a, const at::Tensor& weights, const at::Tensor& bias) {
  const PackedOrder order = order_of(weights.size(0), weights.size(1));
  const auto* from = weights.const_data_ptr<float>();
  return multiply_packing(
      a, order, bias.const_data_ptr<float>(),
      [&](int64_t first, int64_t last, float* to) { pack_transposed(from, order, first, last, to); });
}

at::Tensor times(const at::Tensor& a, const at::Tensor& weights) {
  const PackedOrder order = order_of(weights.size(1), weights.size(0));
  const auto* from = weights.const_data_ptr<float>();
  return multiply_packing(a, order, nullptr, [&](int64_t first, int64_t last, float* to) {
    pack(from, order, /*first_row=*/0, first, last, to);
  });
}

void weight_gradient(const at::Tensor& a, const at::Tensor& b, const at::Tensor& gradient) {
  const PackedOrder order = order_of(b.size(1), b.size(0));
  const at::Tensor packed = take_buffer({order.size()});
  auto* room = packed.mutable_data_ptr<float>();
  const WeightGradient product{.a = a.const_data_ptr<float>(),
                               .a_stride = a.stride(0),
                               .b = room,
                               .depth = order.depth,
                               .columns = order.units,
                               .c = gradient.mutable_data_ptr<float>()};
  in_parallel(at::get_num_threads(), [&](const ThreadTeam& team) {
    pack(b.const_data_ptr<float>(), order, /*first_row=*/0, team.first(order.blocks()),
         team.last(order.blocks()), room);
    team.wait();
    recurrent_kernels().multiply_transposed(product, team.first(a.size(1)), team.last(a.size(1)));
  });
}

}  // namespace charrnn
