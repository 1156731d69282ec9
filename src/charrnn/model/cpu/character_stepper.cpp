#include "charrnn/model/cpu/character_stepper.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "charrnn/core/error.h"
#include "charrnn/model/buffers.h"
#include "charrnn/model/cpu/packed_weights.h"
#include "charrnn/model/cpu/work_shares.h"

namespace charrnn {
namespace {

// With more rows, computing the table takes longer than it saves in a typical sample, and more memory.
constexpr int64_t kMostTableRows = 2048;
// A step with fewer multiplications ends before another thread has started.
constexpr int64_t kWorthSharing = 500'000;

at::Tensor packed(const at::Tensor& weights, const PackedOrder& order) {
  const at::Tensor dense = weights.contiguous();
  at::Tensor result = take_buffer({order.size()});
  auto* to = mutable_data(result);
  in_parallel(at::get_num_threads(), [&](const ThreadTeam& team) {
    pack_transposed(data(dense), order, team.first(order.blocks()), team.last(order.blocks()), to);
  });
  return result;
}

// (B, H) -> (B, H'), a copy.
at::Tensor copy_padded(const at::Tensor& rows) {
  const at::Tensor wide = pad_last(rows);
  at::Tensor copy = take_buffer(wide.sizes());
  copy.copy_(wide);
  return copy;
}

int64_t blocks_of(int64_t units, int64_t block_units) {
  return (units + block_units - 1) / block_units;
}

}  // namespace

bool CharacterStepper::serves(const CharRnn& model) {
  return model.device().is_cpu() && model.parameters().values().scalar_type() == at::kFloat;
}

CharacterStepper::CharacterStepper(const CharRnn& model)
    : kernels_(&recurrent_kernels()),
      cell_(&cell_kernels(model.settings().cell)),
      vocabulary_size_(model.vocabulary_size()),
      hidden_(padded(model.settings().hidden_size)) {
  const c10::AutoGradMode no_grad(false);
  const ModelSettings& settings = model.settings();
  for (int64_t number = 0; number < settings.layers; ++number) {
    const PaddedWeights weights = padded_weights(settings.cell, model.layer_weights(number));
    Layer& layer = layers_.emplace_back();
    set_input(weights, model, layer);
    layer.recurrent = packed(weights.recurrent,
                             {cell_->gates, hidden_, hidden_, cell_->block_units, kernels_->panel_columns});
    layer.apart = weights.apart.defined() ? weights.apart.clone() : at::Tensor();  // else a view
    multiplications_ += layer.recurrent.numel() + layer.input.depth * layer.input.columns;
  }
  if (settings.head == Head::kNone) return;
  const int64_t added = padded(vocabulary_size_) - vocabulary_size_;
  head_ = packed_product(at::constant_pad_nd(pad_last(model.head_weight()), {0, 0, 0, added}),
                         pad_last(model.parameters()["head.bias"]));
  multiplications_ += head_.depth * head_.columns;
}

CharacterStepper::Product CharacterStepper::packed_product(const at::Tensor& weights,
                                                           const at::Tensor& bias) const {
  const int64_t columns = weights.size(0);
  const int64_t depth = weights.size(1);
  const at::Tensor result = packed(weights, {1, columns, depth, kBlockColumns, kernels_->panel_columns});
  return {result, bias.clone(), depth, columns};
}

// Upper layers multiply. The first layer looks up its input in the table, or looks up the embedding and
// multiplies it.
void CharacterStepper::set_input(const PaddedWeights& weights, const CharRnn& model, Layer& layer) {
  if (layers_.size() > 1) {
    layer.input = packed_product(pad_last(weights.input), weights.bias);
  } else if (model.settings().input == InputLayer::kOneHot) {
    table_ = (weights.input.t() + weights.bias).contiguous();
  } else {
    const at::Tensor& embedding = model.parameters()["embedding.weight"];
    if (vocabulary_size_ <= kMostTableRows) {
      table_ = at::linear(embedding, weights.input, weights.bias).contiguous();
    } else {
      embedding_ = embedding.detach().clone();
      layer.input = packed_product(weights.input, weights.bias);
    }
  }
}

CharacterStepper::Streams CharacterStepper::begin(const RnnState& state) const {
  const c10::AutoGradMode no_grad(false);
  const int64_t B = state.h.size(1);
  Streams streams;
  for (int64_t layer = 0; layer < state.h.size(0); ++layer) {
    streams.h_.push_back(copy_padded(state.h[layer]));
    streams.next_h_.push_back(take_buffer({B, hidden_}));
    streams.c_.push_back(state.c.defined() ? copy_padded(state.c[layer]) : at::Tensor());
  }
  if (embedding_.defined()) streams.embedded_ = take_buffer({B, embedding_.size(1)});
  streams.inputs_ = take_buffer({B, cell_->gates * hidden_});
  streams.saved_ = take_buffer({B, cell_->saved * hidden_});
  if (head_.weights.defined()) streams.logits_ = take_buffer({B, head_.columns});
  streams.vocabulary_size_ = vocabulary_size_;
  return streams;
}

void CharacterStepper::step(std::span<const int64_t> ids, Streams& streams) const {
  check_ids(ids, streams);
  if (embedding_.defined()) {
    const int64_t E = embedding_.size(1);
    float* to = mutable_data(streams.embedded_);
    for (const int64_t id : ids) to = std::copy_n(data(embedding_) + id * E, E, to);
  }
  in_parallel(threads_for(static_cast<int64_t>(ids.size())), [&](const ThreadTeam& team) {
    for (size_t layer = 0; layer < layers_.size(); ++layer) {
      const Product& input = layers_[layer].input;
      if (input.weights.defined()) {
        multiply(team, input, layer == 0 ? streams.embedded_ : streams.next_h_[layer - 1], streams.inputs_);
        team.wait();
      }
      run_layer(team, layer, ids.data(), streams);
      team.wait();
    }
    if (head_.weights.defined()) multiply(team, head_, streams.next_h_.back(), streams.logits_);
  });
  std::swap(streams.h_, streams.next_h_);
}

void CharacterStepper::check_ids(std::span<const int64_t> ids, const Streams& streams) const {
  const int64_t count = streams.inputs_.size(0);
  check(static_cast<int64_t>(ids.size()) == count, "expected an id for each of ", count, " streams, found ",
        ids.size());
  for (const int64_t id : ids) {
    check(id >= 0 && id < vocabulary_size_, "expected ids from 0 to ", vocabulary_size_ - 1, ", found ", id);
  }
}

void CharacterStepper::multiply(const ThreadTeam& team, const Product& product, const at::Tensor& x,
                                const at::Tensor& y) const {
  const RowProduct rows{.a = data(x),
                        .a_stride = product.depth,
                        .depth = product.depth,
                        .weights = data(product.weights),
                        .columns = product.columns,
                        .bias = data(product.bias),
                        .c = mutable_data(y)};
  const WorkShares shares(blocks_of(product.columns, kBlockColumns), x.size(0), team.threads);
  shares.visit(team.thread, [&](const StepShare& share) { kernels_->multiply_rows(rows, share); });
}

void CharacterStepper::run_layer(const ThreadTeam& team, size_t layer, const int64_t* ids,
                                 const Streams& streams) const {
  const bool has_table = layer == 0 && table_.defined();
  const ForwardStep step{.hidden = hidden_,
                         .weights = data(layers_[layer].recurrent),
                         .inputs = data(has_table ? table_ : streams.inputs_),
                         .ids = has_table ? ids : nullptr,
                         .bias = data(layers_[layer].apart),
                         .h = data(streams.h_[layer]),
                         .c = data(streams.c_[layer]),
                         .next_h = mutable_data(streams.next_h_[layer]),
                         .next_c = mutable_data(streams.c_[layer]),
                         .saved = mutable_data(streams.saved_)};
  const WorkShares shares(blocks_of(hidden_, cell_->block_units), streams.h_[layer].size(0), team.threads);
  shares.visit(team.thread, [&](const StepShare& share) { cell_->forward(step, share); });
}

int CharacterStepper::threads_for(int64_t streams) const {
  return streams * multiplications_ < kWorthSharing ? 1 : at::get_num_threads();
}

std::span<const float> CharacterStepper::Streams::logits(int64_t stream) const {
  const at::Tensor& rows = logits_.defined() ? logits_ : h_.back();
  return {data(rows) + stream * rows.size(1), static_cast<size_t>(vocabulary_size_)};
}

}  // namespace charrnn
