#include "charrnn/model/rnn_state.h"

namespace charrnn {

at::Tensor RnnState::whole() const {
  if (!c.defined()) return h.unsqueeze(0);
  const bool is_one = c.is_alias_of(h) && h.is_contiguous() && c.is_contiguous() && c.sizes() == h.sizes() &&
                      c.storage_offset() == h.storage_offset() + h.numel();
  if (!is_one) return at::stack({h, c});
  return h.as_strided({2, h.size(0), h.size(1), h.size(2)},
                      {h.numel(), h.stride(0), h.stride(1), h.stride(2)});
}

RnnState RnnState::of(const at::Tensor& whole) {
  return {whole[0], whole.size(0) > 1 ? whole[1] : at::Tensor()};
}

RnnState join_lanes(const std::vector<RnnState>& states) {
  if (states.size() == 1) return states[0];
  std::vector<at::Tensor> h;
  std::vector<at::Tensor> c;
  for (const RnnState& state : states) {
    h.push_back(state.h);
    if (state.c.defined()) c.push_back(state.c);
  }
  return {at::cat(h, 1), c.empty() ? at::Tensor() : at::cat(c, 1)};
}

}  // namespace charrnn
