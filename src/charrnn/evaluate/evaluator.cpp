#include "charrnn/evaluate/evaluator.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <optional>

#include "charrnn/data/evaluation_reader.h"
#include "charrnn/model/gpu/current_stream.h"
#include "charrnn/model/loss.h"
#include "charrnn/train/batch_tensors.h"

namespace charrnn {

static_assert(EvaluationReader::kLaneEnded == kNoTarget);

std::optional<Loss> evaluate(const CharRnn& model, const SplitInfo& split, int64_t lanes, Communicator& comm,
                             std::optional<int64_t> window, StopToken stop) {
  const c10::AutoGradMode no_grad(false);
  constexpr int64_t carried_length = 128;  // only bounds memory
  constexpr int64_t most_queued = 16;      // chunks that the host is ahead of a GPU: waits have a deadline
  EvaluationReader reader(split, lanes, window.value_or(carried_length), comm.rank(), comm.size());
  RnnState state = model.zero_state(reader.lanes());
  std::array<double, 4> sums{};  // nats, targets, ranks that were asked to stop, targets that are <unk>
  at::Tensor nats = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(model.device()));
  int64_t chunks = 0;
  while (const std::optional<Batch> batch = reader.next()) {
    comm.heartbeat();  // other ranks may have fewer lanes
    if (stop.stop_requested()) {
      sums[2] = 1;
      break;
    }
    if (window) state = model.zero_state(reader.lanes());
    const at::Tensor targets = to_tensor(batch->targets, *batch, model.device());
    const at::Tensor x = model.outputs(to_tensor(batch->inputs, *batch, model.device()), state, std::nullopt);
    nats.add_(model.loss_sum(x, targets));
    sums[1] += static_cast<double>(std::ranges::count_if(
        batch->targets, [](int64_t target) { return target != EvaluationReader::kLaneEnded; }));
    if (split.has_unknown) sums[3] += static_cast<double>(std::ranges::count(batch->targets, 0));
    if (++chunks % most_queued == 0) comm.wait(current_stream(nats));
  }
  comm.wait(current_stream(nats));
  sums[0] = nats.item<double>();
  comm.all_reduce_sum(sums);
  if (sums[2] > 0) return std::nullopt;
  return Loss{sums[0], sums[1], sums[3], split.unit};
}

}  // namespace charrnn
