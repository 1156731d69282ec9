// Gathers gradients in the flat buffer and sums them over the ranks. Around each backward: begin(), backward,
// finish(). The buffer is summed over all ranks as a whole after backward; or, with comm.gradient_buckets:
// layer, in one part for each layer, each as soon as backward has filled it, while the layers below are still
// under way:
//
//     step            | forward | backward: head, layer 1, layer 0 | clip ...
//     sums over ranks |                    head   | layer 1 | layer 0 |
//
// With comm.gradient_type bf16 or fp16 gradients travel in 16 bits; before and after they are fp32.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/model/parameters.h"
#include "charrnn/train/profile.h"

namespace charrnn {

class GradientExchange {
 public:
  // Watches the gradients of `parameters` from now on; all must outlive it.
  GradientExchange(Communicator& comm, const Settings& settings, Parameters& parameters,
                   StepProfile& profile);
  ~GradientExchange();
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;

  // Every rank divides its loss by the global count before, so the sum is the gradient of the mean over all
  // lanes.
  void begin();
  // On a GPU the sums are only queued: Communicator::wait comes before the host reads what depends on them.
  void finish();

 private:
  class Hook;

  // A part of the flat buffer that travels as one.
  struct Bucket {
    std::string name;
    size_t first = 0;    // of the parameters whose gradients are in it
    size_t last = 0;     // one after the last
    size_t missing = 0;  // of them, in this backward
    Clock::time_point began;
  };

  void make_buckets();
  void gradient_is_there(size_t bucket);
  void start(Bucket& bucket);

  Communicator& comm_;
  CommSettings settings_;
  double fp16_scale_;
  Parameters& parameters_;
  StepProfile& profile_;
  std::vector<Bucket> buckets_;  // in the order in which backward fills them
  size_t started_ = 0;           // of the buckets, in this step
  bool is_under_way_ = false;
  at::Tensor halves_;  // (P), where gradients travel in 16 bits
};

}  // namespace charrnn
