#include "charrnn/train/loss_scale.h"

namespace charrnn {

LossScale::LossScale(Precision precision, at::Device device)
    : is_on_(precision == Precision::kFp16),
      scale_(
          at::full({}, is_on_ ? Fields().scale : 1.0, at::TensorOptions().dtype(at::kFloat).device(device))),
      good_steps_(at::zeros({}, at::TensorOptions().dtype(at::kInt).device(device))) {}

void LossScale::step_over(const at::Tensor& skip) {
  constexpr double growth = 2;
  constexpr double backoff = 0.5;
  constexpr int64_t good_steps = 2000;
  if (is_on_) at::_amp_update_scale_(scale_, good_steps_, skip, growth, backoff, good_steps);
}

void LossScale::save(SavedStates& saved) const {
  saved.put("loss_scale", is_on_ ? Fields{scale_.item<double>(), good_steps_.item<int64_t>()} : kept_);
}

void LossScale::restore(const SavedStates& saved) {
  kept_ = saved.get<Fields>("loss_scale");
  if (!is_on_) return;
  scale_.fill_(kept_.scale);
  good_steps_.fill_(kept_.good_steps);
}

}  // namespace charrnn
