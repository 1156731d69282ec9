#include "charrnn/train/gradient_exchange.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "charrnn/train/tensor_exchange.h"

namespace charrnn {
namespace {

// fp16 has numbers up to 65,504 and few below 6e-5, and gradients are small: they are sent multiplied by a
// power of two; with train.precision fp16 the loss scale has already done so. What is still too large becomes
// infinite, and the step is skipped.
constexpr double kFp16Scale = 1024;

// "head.weight" -> "head", "rnn.weight_ih_l2" -> "layer 2". The embedding is computed last and belongs to the
// bucket of the lowest layer.
std::string bucket_name(const std::string& parameter) {
  if (parameter.starts_with("head.")) return "head";
  if (parameter.starts_with("embedding.")) return "layer 0";
  return "layer " + parameter.substr(parameter.rfind("_l") + 2);
}

HalfSpan halves(const at::Tensor& flat) {
  return {{static_cast<uint16_t*>(flat.mutable_data_ptr()), static_cast<size_t>(flat.numel())},
          flat.scalar_type() == at::kBFloat16 ? HalfSpan::Type::kBf16 : HalfSpan::Type::kFp16};
}

}  // namespace

// Called by backward when a parameter's gradient is complete; on the CPU, in the thread that called backward.
class GradientExchange::Hook final : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(GradientExchange& exchange, size_t bucket) : exchange_(exchange), bucket_(bucket) {}
  void operator()(const torch::autograd::Variable& /*parameter*/) override {
    exchange_.gradient_is_there(bucket_);
  }

 private:
  GradientExchange& exchange_;
  size_t bucket_;
};

GradientExchange::GradientExchange(Communicator& comm, const Settings& settings, Parameters& parameters,
                                   StepProfile& profile)
    : comm_(comm),
      settings_(settings.comm),
      fp16_scale_(settings.train.precision == Precision::kFp16 ? 1 : kFp16Scale),
      parameters_(parameters),
      profile_(profile) {
  const c10::AutoGradMode no_grad(false);
  if (comm_.size() > 1 && settings_.gradient_type != GradientType::kFp32) {
    halves_ = at::empty_like(parameters_.gradients(),
                             settings_.gradient_type == GradientType::kBf16 ? at::kBFloat16 : at::kHalf);
  }
  make_buckets();
}

GradientExchange::~GradientExchange() {
  for (const Parameters::Parameter& parameter : parameters_.list()) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameter.value, nullptr);
  }
}

void GradientExchange::make_buckets() {
  if (settings_.gradient_buckets == GradientBuckets::kOne || comm_.size() == 1) {
    buckets_.push_back({"gradients", 0, parameters_.list().size(), 0, {}});
    return;
  }
  // Upper layers come after lower ones in the buffer, and backward fills them first.
  const std::vector<Parameters::Parameter>& list = parameters_.list();
  for (size_t i = list.size(); i-- > 0;) {
    const std::string name = bucket_name(list[i].name);
    if (buckets_.empty() || buckets_.back().name != name) buckets_.push_back({name, i, i + 1, 0, {}});
    buckets_.back().first = i;
    torch::autograd::impl::set_post_acc_grad_hooks(list[i].value,
                                                   std::make_unique<Hook>(*this, buckets_.size() - 1));
  }
}

void GradientExchange::begin() {
  for (Bucket& bucket : buckets_) bucket.missing = bucket.last - bucket.first;
  started_ = 0;
  is_under_way_ = true;
}

// Starts sums in the order of the buckets, whatever the order of the gradients: the same on all ranks.
void GradientExchange::gradient_is_there(size_t bucket) {
  if (!is_under_way_) return;  // a backward that does not belong to this exchange
  --buckets_[bucket].missing;
  while (started_ < buckets_.size() && buckets_[started_].missing == 0) start(buckets_[started_++]);
}

void GradientExchange::start(Bucket& bucket) {
  const c10::AutoGradMode no_grad(false);
  parameters_.gather_gradients(bucket.first, bucket.last);
  const auto [offset, count] = parameters_.range(bucket.first, bucket.last);
  const at::Tensor gradients = parameters_.gradients().narrow(0, offset, count);
  bucket.began = Clock::now();
  if (!halves_.defined()) {
    comm_.start_sum(elements(gradients), current_stream(gradients));
    return;
  }
  const at::Tensor half = halves_.narrow(0, offset, count);
  half.copy_(settings_.gradient_type == GradientType::kFp16 ? gradients * fp16_scale_ : gradients);
  comm_.start_sum(halves(half), current_stream(half));
}

void GradientExchange::finish() {
  const c10::AutoGradMode no_grad(false);
  while (started_ < buckets_.size()) start(buckets_[started_++]);
  is_under_way_ = false;
  const at::Tensor& gradients = parameters_.gradients();
  comm_.finish_sums(current_stream(gradients));
  if (halves_.defined()) {
    gradients.copy_(halves_);
    if (settings_.gradient_type == GradientType::kFp16) at::Tensor(gradients).mul_(1 / fp16_scale_);
  }
  for (size_t i = 0; i < buckets_.size(); ++i) {
    profile_.add_concurrent("sum of " + buckets_[i].name, buckets_[i].began, Clock::now(),
                            StepProfile::kFirstSumRow + static_cast<int>(i));
  }
}

}  // namespace charrnn
