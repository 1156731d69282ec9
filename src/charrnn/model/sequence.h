// A model reads one sequence of ids from zero state, the state carried from its first to its last: the
// logits of each place, and the surprisal of each id. Read in pieces, so that memory does not grow with the
// length except for what is returned.
//
// Sizes: N ids, V vocabulary.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "charrnn/core/stop_token.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

// Reads ids from `state` on, which becomes the one after them, and calls visit with the logits (1, T, V) of
// each piece until it returns false, or a stop is requested. Returns whether all were read.
bool read_sequence(const CharRnn& model, std::span<const uint32_t> ids, RnnState& state,
                   const std::function<bool(const at::Tensor& logits)>& visit, StopToken stop = {});

// (N, V) of floats on the CPU; row i is what the model expects after ids 0 .. i. Throws Error (kInput) if an
// id is not below V, (kStopped) if a stop is requested.
at::Tensor sequence_logits(const CharRnn& model, std::span<const uint32_t> ids, StopToken stop = {});

// -ln p of each of N ids, given all before it: what `evaluate` adds up if it reads the text in one lane. The
// first is NaN, for nothing is before it. Throws as above.
std::vector<float> sequence_surprisal(const CharRnn& model, std::span<const uint32_t> ids,
                                      StopToken stop = {});

// The same of aligned targets: target i is predicted after ids 0 .. i. As many targets as ids.
std::vector<float> sequence_surprisal(const CharRnn& model, std::span<const uint32_t> ids,
                                      std::span<const uint32_t> targets, StopToken stop = {});

}  // namespace charrnn
