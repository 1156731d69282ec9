#include "train/evaluator.h"

#include <c10/core/GradMode.h>

#include <array>
#include <optional>

#include "core/stop_signal.h"
#include "data/evaluation_reader.h"
#include "model/loss.h"
#include "train/batch_tensors.h"

namespace charrnn {

static_assert(EvaluationReader::kLaneEnded == kNoTarget);

std::optional<Loss> evaluate(const CharRnn& model, const SplitInfo& split, int64_t lanes, Communicator& comm,
                             std::optional<int64_t> window) {
  const c10::AutoGradMode no_grad(false);
  constexpr int64_t carried_length = 128;  // only bounds memory
  EvaluationReader reader(split, lanes, window.value_or(carried_length), comm.rank(), comm.size());
  RnnState state = model.zero_state(reader.lanes());
  std::array<double, 3> sums{};  // nats, targets, ranks that were asked to stop
  while (const std::optional<Batch> batch = reader.next()) {
    comm.still_working();  // other ranks may have fewer lanes
    if (stop_signal() != 0) {
      sums[2] = 1;
      break;
    }
    if (window) state = model.zero_state(reader.lanes());
    const at::Tensor targets = to_tensor(batch->targets, *batch, model.device());
    const at::Tensor x = model.outputs(to_tensor(batch->inputs, *batch, model.device()), state, std::nullopt);
    sums[0] += model.loss_sum(x, targets).item<double>();
    sums[1] += targets.ne(kNoTarget).sum().item<double>();
  }
  comm.all_reduce_sum(sums);
  if (sums[2] > 0) return std::nullopt;
  return Loss{sums[0], sums[1]};
}

}  // namespace charrnn
