#include "train/trainer.h"

#include <array>
#include <cmath>

#include "core/error.h"
#include "core/stop_signal.h"
#include "model/loss.h"
#include "train/batch_tensors.h"
#include "train/gradient_norm.h"
#include "train/schedule.h"

namespace charrnn {

LaneOptions lane_options(const Settings& settings) {
  return {settings.train.batch_size, settings.train.sequence_length, settings.train.sampling,
          settings.train.random_offset, static_cast<uint64_t>(settings.run.seed)};
}

Trainer::Trainer(const Settings& settings, int64_t total_steps, CharRnn& model, Communicator& comm,
                 const SplitInfo& split, const Progressed& progress)
    : settings_(settings),
      total_steps_(total_steps),
      model_(model),
      comm_(comm),
      exchange_(comm),
      reader_(split, lane_options(settings), comm.rank(), comm.size(), progress.position),
      optimizer_(settings.train.optimizer, model.parameters().values()),
      state_(model.zero_state(reader_.lanes())),
      progress_(progress) {
  exchange_.broadcast(model_.parameters().values());
}

void Trainer::step() {
  comm_.set_step(progress_.step + 1);
  const Batch batch = reader_.next();
  if (batch.fresh_state) state_ = model_.zero_state(batch.lanes);

  RnnState state = state_;
  const DropoutKey dropout_key{static_cast<uint64_t>(settings_.run.seed), progress_.step,
                               reader_.first_lane()};
  const at::Tensor logits =
      model_.forward(to_tensor(batch.inputs, batch, model_.device()), state, dropout_key);
  const at::Tensor loss_sum = cross_entropy_sum(logits, to_tensor(batch.targets, batch, model_.device()));

  const at::Tensor& gradients = model_.parameters().gradients();
  at::Tensor(gradients).zero_();
  // Divided by the count over all ranks, so that the sum over ranks is the gradient of the mean.
  (loss_sum / static_cast<double>(settings_.train.batch_size * batch.steps)).backward();
  exchange_.sum(gradients);
  gradient_norm_ = clip_gradients(gradients, settings_.train.clip_norm);

  // The norm is that of the sum, so all ranks decide alike.
  const bool usable = std::isfinite(gradient_norm_);
  rate_ = learning_rate(settings_.train, progress_.step, total_steps_);
  if (usable) {
    optimizer_.update(model_.parameters().values(), gradients, rate_, progress_.step - progress_.skipped + 1);
    // Gradients stop here, values go on: truncated back-propagation over T characters.
    state_ = {state.h.detach(), state.c.detach()};
  }
  count(loss_sum.item<double>(), usable);
}

void Trainer::count(double loss_sum, bool usable) {
  const double targets = static_cast<double>(reader_.lanes() * settings_.train.sequence_length);
  std::array<double, 3> control{usable ? loss_sum : 0.0, targets, stop_signal() != 0 ? 1.0 : 0.0};
  comm_.all_reduce_sum(control);
  ++progress_.step;
  progress_.position = reader_.position();
  progress_.characters += std::llround(control[1]);
  stop_requested_ = control[2] > 0;
  if (usable) {
    progress_.window_loss_sum += control[0];
    progress_.window_count += control[1];
    progress_.skipped_in_a_row = 0;
  } else {
    ++progress_.skipped;
    ++progress_.skipped_in_a_row;
  }
}

void Trainer::save_to(Checkpoint& checkpoint) const {
  const RnnState all{exchange_.gather_lanes(state_.h), exchange_.gather_lanes(state_.c)};
  if (comm_.rank() != 0) return;
  checkpoint.state = all;
  for (const Parameters::Parameter& parameter : model_.parameters().list()) {
    checkpoint.weights[parameter.name] = parameter.value.detach();
    for (const auto& [moment, flat] : optimizer_.moments()) {
      checkpoint.moments[moment][parameter.name] = Parameters::view(flat, parameter);
    }
  }
}

void Trainer::restore_from(const Checkpoint& checkpoint) {
  if (comm_.rank() == 0) {
    load_weights(checkpoint, model_);
    for (const auto& [moment, flat] : optimizer_.moments()) {
      for (const Parameters::Parameter& parameter : model_.parameters().list()) {
        const auto tensors = checkpoint.moments.find(moment);
        check(tensors != checkpoint.moments.end() && tensors->second.contains(parameter.name) &&
                  tensors->second.at(parameter.name).sizes() == parameter.value.sizes(),
              "the checkpoint has no moment ", moment, " of the weight ", parameter.name, " in its shape");
        Parameters::view(flat, parameter).copy_(tensors->second.at(parameter.name));
      }
    }
    const RnnState all_lanes = model_.zero_state(settings_.train.batch_size);
    for (const at::Tensor& state : {checkpoint.state.h, checkpoint.state.c}) {
      check(state.defined() && state.sizes() == all_lanes.h.sizes() && state.scalar_type() == at::kFloat,
            "the checkpoint lacks the state of the ", settings_.train.batch_size, " lanes in the shape ",
            all_lanes.h.sizes());
    }
  }
  exchange_.broadcast(model_.parameters().values());
  for (const auto& [moment, flat] : optimizer_.moments()) exchange_.broadcast(flat);
  const auto own_sizes = state_.h.sizes().vec();
  state_.h = exchange_.scatter_lanes(checkpoint.state.h, own_sizes).to(model_.device());
  state_.c = exchange_.scatter_lanes(checkpoint.state.c, own_sizes).to(model_.device());
}

}  // namespace charrnn
