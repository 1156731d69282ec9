// Sets up LibTorch for this rank: threads, device and precision; denormal numbers are flushed to zero.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

#include "charrnn/comm/session.h"
#include "charrnn/config/train_settings.h"
#include "charrnn/model/char_rnn.h"

namespace charrnn {

// Call it once, after Session::connect and before the first tensor. `threads` is run.threads.
at::Device prepare_compute(const Session& session, std::optional<int64_t> threads);

// The precision that `setting` means on this device: auto is tf32 on a GPU that supports it, else fp32.
Precision precision_on(const Device& device, Precision setting);

// Makes layers and head compute in this precision from now on (auto: in fp32); tf32 applies to the products
// of the whole program.
void use_precision(Precision precision, CharRnn& model);

}  // namespace charrnn
