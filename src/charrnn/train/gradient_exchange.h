// Gathers gradients in the flat buffer and sums them over the ranks. Call begin() before each backward and
// finish() after it. The buffer is summed over all ranks as a whole after backward; or, with
// comm.gradient_buckets: layer, in one part for each layer, as soon as backward has filled that part, while
// the layers below are still computed:
//
//     step            | forward | backward: head, layer 1, layer 0 | clip ...
//     sums over ranks |                    head   | layer 1 | layer 0 |
//
// With comm.gradient_type bf16 or fp16 gradients are sent in 16 bits; before and after they are fp32.
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

  // Every rank must have divided its loss by the number of targets of all ranks, so that the sum is the
  // gradient of the mean over all lanes.
  void begin();
  // On a GPU the sums are only queued: call Communicator::wait before the host reads what depends on them.
  void finish();

 private:
  class Hook;

  // A part of the flat buffer that is summed at once.
  struct Bucket {
    std::string name;
    size_t first = 0;    // index of the first parameter whose gradient is in it
    size_t last = 0;     // one after the last
    size_t missing = 0;  // gradients that this backward has not computed yet
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
  size_t started_ = 0;           // number of buckets whose sum has started in this step
  bool is_under_way_ = false;
  at::Tensor halves_;  // (P), if gradients are sent in 16 bits
};

}  // namespace charrnn
