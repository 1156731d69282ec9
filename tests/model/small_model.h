// The model of the tests: all sizes differ, so that swapped axes show.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/model/char_rnn.h"

namespace charrnn {

inline constexpr int64_t kB = 2;
inline constexpr int64_t kT = 3;
inline constexpr int64_t kE = 5;
inline constexpr int64_t kH = 7;
inline constexpr int64_t kV = 11;

inline ModelSettings small_settings(InputLayer input = InputLayer::kEmbedding, int64_t layers = 2) {
  return {.input = input, .embedding_size = kE, .hidden_size = kH, .layers = layers, .output_dropout = {}};
}

inline CharRnn small_model(const ModelSettings& settings, at::ScalarType type = at::kDouble,
                           uint64_t seed = 4) {
  CharRnn model(settings, kV, type);
  model.initialize(seed);
  return model;
}

// Ids that do not repeat in step with any size.
inline at::Tensor some_ids(int64_t lanes, int64_t steps, int64_t shift = 0) {
  const at::Tensor places = at::arange(lanes * steps, at::TensorOptions().dtype(at::kLong)) + shift;
  return (places * places * 3 + places).remainder(kV).view({lanes, steps});
}

// Numbers from about -1 to 1, different for each element.
inline at::Tensor some_numbers(at::IntArrayRef sizes, double shift, at::ScalarType type = at::kDouble) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return at::sin(at::arange(count, at::TensorOptions().dtype(at::kDouble)) * 1.7 + shift)
      .view(sizes)
      .to(type);
}

inline RnnState some_state(const ModelSettings& settings, int64_t lanes, at::ScalarType type = at::kDouble) {
  return {some_numbers({settings.layers, lanes, settings.hidden_size}, 0.3, type),
          some_numbers({settings.layers, lanes, settings.hidden_size}, 1.1, type)};
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

}  // namespace charrnn
