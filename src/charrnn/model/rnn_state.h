// The recurrent state that is carried from one piece of text to the next: hidden state and, for an LSTM, cell
// state of every layer and lane.
//
// Sizes: L layers, B lanes, H hidden units.
#pragma once

#include <ATen/ATen.h>

#include <utility>
#include <vector>

namespace charrnn {

struct RnnState {
  at::Tensor h;  // (L, B, H)
  at::Tensor c;  // (L, B, H); undefined for other cells

  std::vector<std::pair<const char*, at::Tensor>> parts() const {
    if (c.defined()) return {{"h", h}, {"c", c}};
    return {{"h", h}};
  }
  // All parts as one tensor (1 or 2, L, B, H), which shares their memory if they are adjacent in it; and the
  // reverse.
  at::Tensor whole() const;
  static RnnState of(const at::Tensor& whole);
  // The state of change(part) for each part.
  template <class Change>
  RnnState changed(const Change& change) const {
    return {change(h), c.defined() ? change(c) : at::Tensor()};
  }
};

// The lanes of all states, one after the other.
RnnState join_lanes(const std::vector<RnnState>& states);

}  // namespace charrnn
