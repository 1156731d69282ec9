#include "charrnn/train/trainer.h"

#include <cmath>
#include <limits>
#include <utility>

#include "charrnn/comm/agreement.h"
#include "charrnn/core/error.h"
#include "charrnn/core/running_clock.h"
#include "charrnn/train/batch_tensors.h"
#include "charrnn/train/compute.h"
#include "charrnn/train/gradient_norm.h"
#include "charrnn/train/lane_settings.h"
#include "charrnn/train/replica_check.h"
#include "charrnn/train/tensor_exchange.h"

namespace charrnn {
namespace {

std::filesystem::path trace_file(const Settings& settings, int rank) {
  if (!settings.train.profile) return {};
  return std::filesystem::path(settings.run.output) / concat("trace-rank-", rank, ".json");
}

// Whether a step is a spike is decided on the host, from the norm of each step.
int64_t steps_between_reads(const TrainSettings& settings, at::Device device) {
  if (settings.skip_spikes_above) return 1;
  return settings.read_every.value_or(device == at::kCPU ? 1 : 10);
}

}  // namespace

Trainer::Trainer(const Settings& settings, int64_t total_steps, CharRnn& model, Communicator& comm,
                 const SplitInfo& split, StopToken stop)
    : Trainer(settings, configured_schedule(settings.train, total_steps), model, comm, split, stop) {}

Trainer::Trainer(const Settings& settings, Schedule schedule, CharRnn& model, Communicator& comm,
                 const SplitInfo& split, StopToken stop)
    : settings_(settings),
      schedule_(std::move(schedule)),
      model_(model),
      comm_(comm),
      split_(split),
      stop_(stop),
      profile_(trace_file(settings, comm.rank()), comm.rank(),
               [this] { comm_.wait(current_stream(model_.parameters().values())); }),
      exchange_(comm, settings, model.parameters(), profile_),
      control_(comm),
      reader_(std::in_place, split_, lane_options(settings_), comm.rank(), comm.size()),
      optimizer_(settings.train.optimizer, model.parameters().values()),
      loss_scale_(settings.train.precision, model.device()),
      read_every_(steps_between_reads(settings.train, model.device())),
      step_times_(comm.size()) {
  use_precision(settings_.train.precision, model_);
  state_ = model_.zero_state(reader_->lanes());  // in that precision
  broadcast(comm_, model_.parameters().values());
  if (settings_.train.average_decay) average_ = model_.parameters().values().clone();
}

void Trainer::step() {
  profile_.begin_step();
  comm_.set_step(progress_.step + 1);
  const RunningClock::Time begin = running_clock().now();
  Outcome outcome;
  const Batch batch = read();
  std::vector<Lanes> groups = groups_of(batch);  // train.accumulate of them; their gradients add up
  for (Lanes& lanes : groups) {
    const at::Tensor x = forward(lanes);
    const at::Tensor loss_sum = loss_of(x, lanes);
    outcome.add(loss_sum.detach());
    if (lanes.are_last) exchange_.begin();  // gradients may travel as soon as they are complete
    const auto part = profile_.part("backward");
    loss_sum.backward(poison_gradient_if_not_finite(loss_sum, batch.length));
    lanes.cut_gradients();
  }
  outcome.targets = targets_of(batch.lanes, batch.length);
  outcome.work_seconds = running_clock().seconds_since(begin);
  exchange_gradients();
  receive_control();
  {
    const auto part = profile_.part("clip and update");
    measure_gradient(outcome);
    update(outcome);
  }
  carry_state(groups, outcome);
  advance(batch);
  unread_.push_back(outcome);
  if (std::ssize(unread_) >= read_every_) read_outcomes();
  profile_.end_step();
}

Batch Trainer::read() {
  const auto part = profile_.part("read");
  Batch batch = reader_->next();
  if (batch.fresh_state) state_ = model_.zero_state(batch.lanes);
  if (!batch.fresh_lanes.empty()) {
    const at::Tensor fresh = fresh_mask(batch, model_.device());
    state_ = state_.changed([&](const at::Tensor& tensor) { return tensor.masked_fill(fresh, 0); });
  }
  return batch;
}

std::vector<Trainer::Lanes> Trainer::groups_of(const Batch& batch) {
  const at::Tensor inputs = to_tensor(batch.inputs, batch, model_.device());
  const at::Tensor targets = to_tensor(batch.targets, batch, model_.device());
  const int64_t lanes = batch.lanes / settings_.train.accumulate;
  std::vector<Lanes> groups;
  for (int64_t begin = 0; begin < batch.lanes; begin += lanes) {
    groups.push_back(
        {reader_->first_lane() + begin, inputs.narrow(0, begin, lanes), targets.narrow(0, begin, lanes),
         state_.changed([&](const at::Tensor& tensor) { return tensor.narrow(1, begin, lanes); }),
         begin + lanes == batch.lanes});
  }
  return groups;
}

at::Tensor Trainer::forward(Lanes& lanes) {
  const auto part = profile_.part("forward");
  const DropoutKey dropout_key{static_cast<uint64_t>(settings_.run.seed), progress_.step, lanes.first};
  return model_.outputs(lanes.inputs, lanes.state, dropout_key);
}

at::Tensor Trainer::loss_of(const at::Tensor& x, const Lanes& lanes) {
  const auto part = profile_.part("head and loss");
  if (settings_.train.loss == LossOver::kAll) return model_.loss_sum(x, lanes.targets);
  const int64_t last = x.size(1) - 1;
  return model_.loss_sum(x.narrow(1, last, 1), lanes.targets.narrow(1, last, 1));
}

// What backward begins with: the share of this rank's sum in the mean over all ranks, so that the sum of
// gradients over ranks is the gradient of the mean. If the loss is not finite, NaN: then no rank has a finite
// gradient.
at::Tensor Trainer::poison_gradient_if_not_finite(const at::Tensor& loss_sum, int64_t length) {
  const int64_t targets = targets_of(settings_.train.batch_size, length);
  if (targets != share_targets_) {
    share_ = at::full({}, 1.0 / static_cast<double>(targets), loss_sum.options());
    share_targets_ = targets;
  }
  const at::Tensor share = at::add(share_, loss_sum.detach(), 0);
  return loss_scale_.is_on() ? share * loss_scale_.value() : share;
}

int64_t Trainer::targets_of(int64_t lanes, int64_t length) const {
  return settings_.train.loss == LossOver::kAll ? lanes * length : lanes;
}

// Gradients stop here, values continue: truncated back-propagation over T characters.
void Trainer::Lanes::cut_gradients() {
  state = state.changed([](const at::Tensor& tensor) { return tensor.detach(); });
}

void Trainer::exchange_gradients() {
  const auto part = profile_.part("exchange");
  exchange_.finish();
}

// Norm and statistics are equal on all ranks, so all decide alike.
void Trainer::measure_gradient(Outcome& outcome) {
  const c10::AutoGradMode no_grad(false);
  outcome.norm = charrnn::gradient_norm(model_.parameters().gradients());
  if (loss_scale_.is_on()) outcome.norm = outcome.norm / loss_scale_.value();
  if (!comm_.devices_are_alike()) {  // they may add in different orders: all take rank 0's
    if (comm_.rank() != 0) outcome.norm.zero_();
    comm_.all_reduce_sum(elements(outcome.norm.view({1})), current_stream(outcome.norm));
  }
  outcome.is_finite = outcome.norm.lt(std::numeric_limits<double>::infinity());
  outcome.is_applied = outcome.is_finite;
  if (!settings_.train.skip_spikes_above) return;
  comm_.wait(current_stream(outcome.norm));
  const auto norm = outcome.norm.item<double>();
  outcome.is_spike = std::isfinite(norm) && norms_.is_spike(norm, *settings_.train.skip_spikes_above);
  if (outcome.is_spike) outcome.is_applied = at::zeros_like(outcome.is_finite);
}

void Trainer::update(const Outcome& outcome) {
  const c10::AutoGradMode no_grad(false);
  rate_ = schedule_(progress_.step) * rate_factor_;
  at::Tensor divisor;
  if (settings_.train.clip_norm > 0) divisor = clip_divisor(outcome.norm, settings_.train.clip_norm);
  if (loss_scale_.is_on()) divisor = divisor.defined() ? divisor * loss_scale_.value() : loss_scale_.value();
  const at::Tensor& values = model_.parameters().values();
  optimizer_.update(values, model_.parameters().gradients(), rate_, divisor, outcome.is_applied);
  if (loss_scale_.is_on()) loss_scale_.step_over(outcome.is_finite.logical_not().to(at::kFloat));
  if (!average_.defined()) return;
  average_.lerp_(values, outcome.is_applied * (1 - *settings_.train.average_decay));
}

// The state too stays as it was if the step has no finite gradient.
void Trainer::carry_state(const std::vector<Lanes>& groups, const Outcome& outcome) {
  std::vector<RnnState> states;
  for (const Lanes& lanes : groups) states.push_back(lanes.state);
  state_ = RnnState::of(join_lanes(states).whole().where(outcome.is_finite, state_.whole()));
}

void Trainer::advance(const Batch& batch) {
  ++progress_.step;
  progress_.position = reader_->position();
  progress_.characters += settings_.train.batch_size * batch.length;
}

// The only place where the host waits for the device.
void Trainer::read_outcomes() {
  const auto part = profile_.part("read losses");
  std::vector<at::Tensor> scalars;
  for (const Outcome& outcome : unread_) {
    scalars.push_back(outcome.loss_sum.to(outcome.norm.scalar_type()));
    scalars.push_back(outcome.norm);
  }
  const at::Tensor stacked = at::stack(scalars);
  comm_.wait(current_stream(stacked));
  const at::Tensor host = stacked.to(at::kCPU).to(at::kDouble);
  const auto* numbers = host.const_data_ptr<double>();
  double loss_sum = 0;
  double targets = 0;
  double work_seconds = 0;
  int64_t step = progress_.step - std::ssize(unread_);
  for (const Outcome& outcome : unread_) {
    ++step;
    const double outcome_loss = *numbers++;
    gradient_norm_ = *numbers++;
    const bool is_finite = std::isfinite(gradient_norm_);
    if (is_finite) {
      loss_sum += outcome_loss;
      targets += static_cast<double>(outcome.targets);
    }
    work_seconds += outcome.work_seconds;
    const bool is_skipped = !is_finite || outcome.is_spike;
    progress_.skipped_in_a_row = is_skipped ? progress_.skipped_in_a_row + 1 : 0;
    progress_.skipped += is_skipped ? 1 : 0;
    progress_.spikes += outcome.is_spike ? 1 : 0;
    if (is_skipped) last_skip_ = {step, outcome.is_spike, gradient_norm_};
    has_diverged_ = has_diverged_ || progress_.skipped_in_a_row >= settings_.train.max_skipped_steps;
  }
  const auto steps = static_cast<double>(unread_.size());
  unread_.clear();
  control_.send(loss_sum, targets, stop_.stop_requested() ? StopReason::kSignal : own_stop_,
                work_seconds / steps);
}

void Trainer::receive_control() {
  if (!control_.receive()) return;
  progress_.window_loss_sum += control_.loss_sum();
  progress_.window_count += control_.count();
  stop_reason_ = control_.stop();
  step_times_.add(control_.work_seconds());
}

void Trainer::settle() {
  if (!unread_.empty()) read_outcomes();
  receive_control();
}

void Trainer::check_replicas() const {
  std::vector<at::Tensor> tensors{model_.parameters().values()};
  for (const auto& [moment, flat] : optimizer_.moments()) tensors.push_back(flat);
  if (average_.defined()) tensors.push_back(average_);
  charrnn::check_replicas(comm_, tensors, progress_.step);
}

void Trainer::save_to(Checkpoint& checkpoint) const {
  const RnnState all =
      state_.changed([&](const at::Tensor& part) { return gather_lanes(comm_, part.to(at::kFloat)); });
  if (comm_.rank() != 0) return;
  checkpoint.step = progress_.step;
  checkpoint.saved.put("trainer", progress_);
  norms_.save(checkpoint.saved);
  loss_scale_.save(checkpoint.saved);
  checkpoint.state = all;
  for (const Parameters::Parameter& parameter : model_.parameters().list()) {
    checkpoint.weights[parameter.name] = parameter.value.detach();
    if (average_.defined()) checkpoint.average[parameter.name] = Parameters::view(average_, parameter);
    for (const auto& [moment, flat] : optimizer_.moments()) {
      checkpoint.moments[moment][parameter.name] = Parameters::view(flat, parameter);
    }
  }
}

void Trainer::swap_average() {
  const c10::AutoGradMode no_grad(false);
  at::Tensor values = model_.parameters().values();
  const at::Tensor kept = values.clone();
  values.copy_(average_);
  average_.copy_(kept);
}

// Tensors of a checkpoint, by weight, into one flat buffer.
void Trainer::load_flat(const at::Tensor& flat, const std::map<std::string, at::Tensor>& tensors,
                        const std::string& what) const {
  for (const Parameters::Parameter& parameter : model_.parameters().list()) {
    const auto found = tensors.find(parameter.name);
    check(found != tensors.end() && found->second.sizes() == parameter.value.sizes(),
          "the checkpoint has no ", what, " of the weight ", parameter.name, " in its shape");
    Parameters::view(flat, parameter).copy_(found->second);
  }
}

void Trainer::load_from(const Checkpoint& checkpoint) {
  load_weights(checkpoint, model_);
  for (const auto& [moment, flat] : optimizer_.moments()) {
    const auto found = checkpoint.moments.find(moment);
    if (found != checkpoint.moments.end()) {
      load_flat(flat, found->second, "moment " + moment);
    } else {  // amsgrad or a momentum that the run did not have before
      check(optimizer_.begin_late(moment), "the checkpoint has no moment ", moment,
            " of the optimizer, which resuming needs: start a new run with its weights (--set "
            "train.start_from=FILE --set "
            "run.output=FOLDER)");
    }
  }
  // A run that asks for an average only now begins it with the weights.
  if (average_.defined() && checkpoint.average.empty()) average_.copy_(model_.parameters().values());
  if (average_.defined() && !checkpoint.average.empty()) load_flat(average_, checkpoint.average, "average");
  const RnnState all_lanes = model_.zero_state(settings_.train.batch_size);
  for (const auto& [part, wanted] : all_lanes.parts()) {
    const at::Tensor& state = part == std::string_view("h") ? checkpoint.state.h : checkpoint.state.c;
    check(state.defined() && state.sizes() == wanted.sizes() && state.scalar_type() == at::kFloat,
          "the checkpoint lacks the state of the ", settings_.train.batch_size, " lanes in the shape ",
          all_lanes.h.sizes());
  }
}

void Trainer::restore_from(const Checkpoint& checkpoint) {
  settle();
  agree_on_errors(comm_, [&] {
    restore_numbers(checkpoint.saved);
    if (comm_.rank() == 0) load_from(checkpoint);
  });
  broadcast(comm_, model_.parameters().values());
  for (const auto& [moment, flat] : optimizer_.moments()) broadcast(comm_, flat);
  if (average_.defined()) broadcast(comm_, average_);
  const auto own_sizes = state_.h.sizes().vec();
  state_.h = scatter_lanes(comm_, checkpoint.state.h, own_sizes).to(state_.h.options());
  if (state_.c.defined()) {
    state_.c = scatter_lanes(comm_, checkpoint.state.c, own_sizes).to(state_.c.options());
  }
}

void Trainer::restore_numbers(const SavedStates& saved) {
  progress_ = saved.get<Progress>("trainer");
  norms_.restore(saved);
  loss_scale_.restore(saved);
  optimizer_.set_updates(progress_.step - progress_.skipped);
  reader_.emplace(split_, lane_options(settings_), comm_.rank(), comm_.size(), progress_.position);
  has_diverged_ = false;
  last_skip_ = {};
  gradient_norm_ = 0;
  rate_ = 0;
  stop_reason_ = StopReason::kNone;
  step_times_ = StepTimes(comm_.size());
}

}  // namespace charrnn
