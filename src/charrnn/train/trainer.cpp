#include "charrnn/train/trainer.h"

#include <cmath>
#include <limits>
#include <map>

#include "charrnn/comm/agreement.h"
#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/core/running_clock.h"
#include "charrnn/core/stop_signal.h"
#include "charrnn/train/batch_tensors.h"
#include "charrnn/train/compute.h"
#include "charrnn/train/gradient_norm.h"
#include "charrnn/train/norm_watch.h"
#include "charrnn/train/schedule.h"
#include "charrnn/train/tensor_exchange.h"

namespace charrnn {
namespace {

// Throws Error naming the ranks whose hash is not the one that most have.
void check_equal(const std::vector<std::string>& hashes, const Communicator& comm, int64_t step) {
  std::map<std::string, int> votes;
  for (const std::string& hash : hashes) ++votes[hash];
  if (votes.size() == 1) return;
  const auto most = std::max_element(votes.begin(), votes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string ranks;
  for (size_t rank = 0; rank < hashes.size(); ++rank) {
    if (hashes[rank] == most->first && 2 * most->second > comm.size()) continue;
    ranks += concat(ranks.empty() ? "" : ", ", "rank ", rank, " (host ", comm.host_of(static_cast<int>(rank)),
                    ")");
  }
  fail("expected equal weights on all ranks after step ", step, ", found others on ", ranks,
       ": memory, a processor or a driver there is faulty. Nothing of this step was saved; go on from the "
       "last checkpoint, on other hosts");
}

std::filesystem::path trace_file(const Settings& settings, int rank) {
  if (!settings.train.profile) return {};
  return std::filesystem::path(settings.run.output) / concat("trace-rank-", rank, ".json");
}

// Spikes are told on the host, from the norm of each step.
int64_t steps_between_reads(const TrainSettings& settings, at::Device device) {
  if (settings.skip_spikes_above) return 1;
  return settings.read_every.value_or(device == at::kCPU ? 1 : 10);
}

}  // namespace

LaneOptions lane_options(const Settings& settings) {
  return {settings.train.batch_size,  settings.train.sequence_length,
          settings.train.sampling,    settings.train.random_offset,
          settings.train.reset_state, static_cast<uint64_t>(settings.run.seed)};
}

Settings with_lanes_of(Settings settings, int ranks) {
  if (settings.train.lanes_per_rank) settings.train.batch_size = *settings.train.lanes_per_rank * ranks;
  return settings;
}

Trainer::Trainer(const Settings& settings, int64_t total_steps, CharRnn& model, Communicator& comm,
                 const SplitInfo& split, const Progressed& progress)
    : settings_(settings),
      total_steps_(total_steps),
      model_(model),
      comm_(comm),
      profile_(trace_file(settings, comm.rank()), comm.rank(),
               [this] { comm_.wait(current_stream(model_.parameters().values())); }),
      exchange_(comm, settings, model.parameters(), profile_),
      control_(comm),
      reader_(split, lane_options(settings), comm.rank(), comm.size(), progress.position),
      optimizer_(settings.train.optimizer, model.parameters().values()),
      loss_scale_(settings.train.precision, model.device(), progress.loss_scale),
      progress_(progress),
      read_every_(steps_between_reads(settings.train, model.device())),
      step_times_(comm.size()) {
  use_precision(settings_.train.precision, model_);
  state_ = model_.zero_state(reader_.lanes());  // in that precision
  optimizer_.set_updates(progress_.step - progress_.skipped);
  broadcast(comm_, model_.parameters().values());
  if (settings_.train.average_decay) average_ = model_.parameters().values().clone();
}

void Trainer::step() {
  profile_.begin_step();
  const RunningClock::Time begin = running_clock().now();
  comm_.set_step(progress_.step + 1);
  const Batch batch = profile_.measure("read", [&] { return read(); });
  RnnState state = state_;
  Outcome outcome;
  outcome.loss_sum = run_lanes(batch, state);
  outcome.targets = targets_of(reader_.lanes(), batch.length);
  outcome.work_seconds = running_clock().seconds_since(begin);
  profile_.measure("exchange", [&] { exchange_.finish(); });
  receive_control();
  profile_.measure("clip and update", [&] {
    measure_gradient(outcome);
    update(outcome);
  });
  carry_state(state, outcome);
  unread_.push_back(outcome);
  advance(batch);
  if (std::ssize(unread_) >= read_every_) profile_.measure("read losses", [&] { read_outcomes(); });
  profile_.end_step();
}

Batch Trainer::read() {
  Batch batch = reader_.next();
  if (batch.fresh_state) state_ = model_.zero_state(batch.lanes);
  if (!batch.fresh_lanes.empty()) {
    const at::Tensor fresh = fresh_mask(batch, model_.device());
    state_ = state_.changed([&](const at::Tensor& part) { return part.masked_fill(fresh, 0); });
  }
  return batch;
}

// Groups of lanes one after another; their gradients add up, and are exchanged as the last group's are made.
at::Tensor Trainer::run_lanes(const Batch& batch, RnnState& state) {
  const at::Tensor inputs = to_tensor(batch.inputs, batch, model_.device());
  const at::Tensor targets = to_tensor(batch.targets, batch, model_.device());
  const int64_t groups = settings_.train.accumulate;
  const int64_t lanes = batch.lanes / groups;
  at::Tensor loss_sum;
  std::vector<RnnState> states;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t begin = group * lanes;
    RnnState own = state.changed([&](const at::Tensor& part) { return part.narrow(1, begin, lanes); });
    const Lanes group_lanes{reader_.first_lane() + begin, inputs.narrow(0, begin, lanes),
                            targets.narrow(0, begin, lanes)};
    const at::Tensor x = profile_.measure("forward", [&] { return forward(group_lanes, own); });
    const at::Tensor loss =
        profile_.measure("head and loss", [&] { return loss_of(x, group_lanes.targets); });
    loss_sum = loss_sum.defined() ? loss_sum + loss.detach() : loss.detach();
    if (group + 1 == groups) exchange_.begin();
    profile_.measure("backward", [&] { backward(loss, batch.length); });
    // Gradients stop here, values go on: truncated back-propagation over T characters.
    states.push_back(own.changed([](const at::Tensor& part) { return part.detach(); }));
  }
  state = join_lanes(states);
  return loss_sum;
}

at::Tensor Trainer::forward(const Lanes& lanes, RnnState& state) {
  const DropoutKey dropout_key{static_cast<uint64_t>(settings_.run.seed), progress_.step, lanes.first};
  return model_.outputs(lanes.inputs, state, dropout_key);
}

at::Tensor Trainer::loss_of(const at::Tensor& x, const at::Tensor& targets) {
  if (settings_.train.loss == LossOver::kAll) return model_.loss_sum(x, targets);
  const int64_t last = x.size(1) - 1;
  return model_.loss_sum(x.narrow(1, last, 1), targets.narrow(1, last, 1));
}

// Backward begins with the share of this rank's sum in the mean over all ranks, so that the sum of gradients
// over ranks is the gradient of the mean. Where the loss is not finite, with NaN: then no rank has a finite
// gradient.
void Trainer::backward(const at::Tensor& loss_sum, int64_t steps) {
  const int64_t targets = targets_of(settings_.train.batch_size, steps);
  if (targets != share_targets_) {
    share_ = at::full({}, 1.0 / static_cast<double>(targets), loss_sum.options());
    share_targets_ = targets;
  }
  const at::Tensor share = at::add(share_, loss_sum.detach(), 0);
  loss_sum.backward(loss_scale_.is_on() ? share * loss_scale_.value() : share);
}

int64_t Trainer::targets_of(int64_t lanes, int64_t steps) const {
  return settings_.train.loss == LossOver::kAll ? lanes * steps : lanes;
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
  outcome.is_spike =
      std::isfinite(norm) && is_spike(progress_.norms, norm, *settings_.train.skip_spikes_above);
  if (outcome.is_spike) outcome.is_applied = at::zeros_like(outcome.is_finite);
}

void Trainer::update(const Outcome& outcome) {
  const c10::AutoGradMode no_grad(false);
  rate_ = learning_rate(settings_.train, progress_.step, total_steps_) * progress_.rate_factor;
  if (settings_.train.schedule.name == ScheduleName::kPlateau) rate_ *= progress_.plateau.rate_factor;
  at::Tensor divisor;
  if (settings_.train.clip_norm > 0) divisor = clip_divisor(outcome.norm, settings_.train.clip_norm);
  if (loss_scale_.is_on()) divisor = divisor.defined() ? divisor * loss_scale_.value() : loss_scale_.value();
  const at::Tensor& values = model_.parameters().values();
  optimizer_.update(values, model_.parameters().gradients(), rate_, divisor, outcome.is_applied);
  if (loss_scale_.is_on()) loss_scale_.step_over(outcome.is_finite.logical_not().to(at::kFloat));
  if (!average_.defined()) return;
  average_.lerp_(values, outcome.is_applied * (1 - *settings_.train.average_decay));
}

// The state too stays as it was where the step has no finite gradient.
void Trainer::carry_state(const RnnState& state, const Outcome& outcome) {
  state_ = RnnState::of(state.whole().where(outcome.is_finite, state_.whole()));
}

void Trainer::advance(const Batch& batch) {
  ++progress_.step;
  progress_.position = reader_.position();
  progress_.characters += settings_.train.batch_size * batch.length;
}

// The only place where the host waits for the device.
void Trainer::read_outcomes() {
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
  control_.send(loss_sum, targets, stop_signal() != 0 ? StopReason::kSignal : own_stop_,
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
  if (loss_scale_.is_on()) progress_.loss_scale = loss_scale_.state();
}

void Trainer::check_replicas() const {
  std::string hash;
  const auto add = [&](const at::Tensor& flat) {
    const at::Tensor host = flat.to(at::kCPU);
    hash += hash_hex({static_cast<const char*>(host.const_data_ptr()), host.nbytes()});
  };
  add(model_.parameters().values());
  for (const auto& [moment, flat] : optimizer_.moments()) add(flat);
  if (average_.defined()) add(average_);
  const std::vector<std::string> hashes = all_gather_text(comm_, hash);
  agree_on_errors(comm_, [&] {
    if (comm_.rank() == 0) check_equal(hashes, comm_, progress_.step);
  });
}

void Trainer::save_to(Checkpoint& checkpoint) const {
  const RnnState all =
      state_.changed([&](const at::Tensor& part) { return gather_lanes(comm_, part.to(at::kFloat)); });
  if (comm_.rank() != 0) return;
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
  agree_on_errors(comm_, [&] {
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

}  // namespace charrnn
