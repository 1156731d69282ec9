#include "charrnn/model/sequence.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

// Ids that are read together: few enough for the memory of their logits, enough of them for matrix products
// to be fast.
constexpr size_t kReadAtOnce = 512;

// Ids as a batch of one, (1, T) of int64.
at::Tensor as_tensor(std::span<const uint32_t> ids, at::Device device) {
  at::Tensor tensor = at::empty({1, static_cast<int64_t>(ids.size())}, at::TensorOptions().dtype(at::kLong));
  std::copy(ids.begin(), ids.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor.to(device);
}

void check_ids(const CharRnn& model, std::span<const uint32_t> ids) {
  const auto V = static_cast<uint32_t>(model.vocabulary_size());
  const auto wrong = std::ranges::find_if(ids, [&](uint32_t id) { return id >= V; });
  if (wrong == ids.end()) return;
  fail_usage("id ", *wrong, " at place ", wrong - ids.begin(), ": expected one below ", V,
             ", the size of the vocabulary");
}

void check_not_stopped(bool is_whole, StopToken stop) {
  if (!is_whole) fail_stopped("stopped by ", stop.reason(), " while reading a text");
}

}  // namespace

bool read_sequence(const CharRnn& model, std::span<const uint32_t> ids, RnnState& state,
                   const std::function<bool(const at::Tensor& logits)>& visit, StopToken stop) {
  const c10::AutoGradMode no_grad(false);
  for (size_t done = 0; done < ids.size();) {
    if (stop.stop_requested()) return false;
    const auto piece = ids.subspan(done, std::min(kReadAtOnce, ids.size() - done));
    if (!visit(model.forward(as_tensor(piece, model.device()), state, std::nullopt))) return false;
    done += piece.size();
  }
  return true;
}

at::Tensor sequence_logits(const CharRnn& model, std::span<const uint32_t> ids, StopToken stop) {
  check_ids(model, ids);
  at::Tensor all = at::empty({static_cast<int64_t>(ids.size()), model.vocabulary_size()});
  RnnState state = model.zero_state(1);
  int64_t done = 0;
  const bool is_whole = read_sequence(
      model, ids, state,
      [&](const at::Tensor& logits) {
        all.narrow(0, done, logits.size(1)).copy_(logits[0]);
        done += logits.size(1);
        return true;
      },
      stop);
  check_not_stopped(is_whole, stop);
  return all;
}

std::vector<float> sequence_surprisal(const CharRnn& model, std::span<const uint32_t> ids,
                                      std::span<const uint32_t> targets, StopToken stop) {
  check(ids.size() == targets.size(), "expected as many targets as ids, found ", targets.size(), " and ",
        ids.size());
  check_ids(model, ids);
  check_ids(model, targets);
  std::vector<float> nats;
  nats.reserve(ids.size());
  RnnState state = model.zero_state(1);
  const auto add = [&](const at::Tensor& logits) {
    const auto part = targets.subspan(nats.size(), static_cast<size_t>(logits.size(1)));
    const at::Tensor wanted = as_tensor(part, model.device()).unsqueeze(2);  // (1, T, 1)
    const at::Tensor minus_ln_p =
        at::log_softmax(logits.to(at::kFloat), 2).gather(2, wanted).neg().to(at::kCPU).contiguous();
    const auto* const first = minus_ln_p.const_data_ptr<float>();
    nats.insert(nats.end(), first, first + part.size());
    return true;
  };
  check_not_stopped(read_sequence(model, ids, state, add, stop), stop);
  return nats;
}

std::vector<float> sequence_surprisal(const CharRnn& model, std::span<const uint32_t> ids, StopToken stop) {
  if (ids.empty()) return {};
  check_ids(model, ids);  // all of them, because the first is not a target and the last not an input
  std::vector<float> nats = sequence_surprisal(model, ids.first(ids.size() - 1), ids.subspan(1), stop);
  nats.insert(nats.begin(), std::numeric_limits<float>::quiet_NaN());
  return nats;
}

}  // namespace charrnn
