#include "model/loss.h"

namespace charrnn {

at::Tensor cross_entropy_sum(const at::Tensor& logits, const at::Tensor& targets) {
  return at::cross_entropy_loss(logits.flatten(0, 1), targets.flatten(), {}, at::Reduction::Sum, kNoTarget);
}

}  // namespace charrnn
