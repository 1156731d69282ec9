#include "charrnn/model/gpu/dropout_cuda.h"

#include <c10/core/DeviceGuard.h>

#include <limits>
#include <mutex>
#include <optional>
#include <string>

#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/model/dropout_pass.h"
#include "charrnn/model/gpu/current_stream.h"
#include "charrnn/model/gpu/gpu_kernels.h"

namespace charrnn {
namespace {

std::optional<DropoutLaunch::Type> launch_type(at::ScalarType type) {
  if (type == at::kFloat) return DropoutLaunch::Type::kFp32;
  if (type == at::kBFloat16) return DropoutLaunch::Type::kBf16;
  if (type == at::kHalf) return DropoutLaunch::Type::kFp16;
  return std::nullopt;
}

bool has_kernels(int device) {
  const std::string missing = kernels_missing(device);
  if (missing.empty()) return true;
  static std::once_flag said;
  std::call_once(said, [&] {
    log::warning(concat("dropout uses many small kernels instead of one and is slow: ", missing));
  });
  return false;
}

at::Tensor drop_by_operations(const at::Tensor& input, const DropoutPass& pass) {
  const at::ScalarType type = input.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return (input.to(type) * dropout_mask(input.sizes(), pass, input.options().dtype(type)))
      .to(input.scalar_type());
}

}  // namespace

at::Tensor drop_on_cuda(const at::Tensor& input, double probability, int64_t layer_key, int64_t first_lane) {
  const DropoutPass pass{probability, static_cast<uint32_t>(layer_key), first_lane};
  const c10::DeviceGuard guard(input.device());
  const std::optional<DropoutLaunch::Type> type = launch_type(input.scalar_type());
  const int device = input.device().index();
  const bool fits = input.numel() <= std::numeric_limits<uint32_t>::max();
  if (!type || !fits || !has_kernels(device)) return drop_by_operations(input, pass);
  const at::Tensor dense = dense_rows(input);
  at::Tensor output = at::empty_like(dense);
  const bool is_time_major = !dense.is_contiguous();
  launch_dropout({.type = *type,
                  .input = dense.const_data_ptr(),
                  .output = output.mutable_data_ptr(),
                  .rows = static_cast<uint32_t>(dense.size(0) * dense.size(1)),
                  .units = static_cast<uint32_t>(dense.size(2)),
                  .inner_rows = static_cast<uint32_t>(dense.size(is_time_major ? 0 : 1)),
                  .is_time_major = is_time_major,
                  .first_lane = static_cast<uint32_t>(pass.first_lane),
                  .layer_key = pass.layer_key,
                  .threshold = pass.threshold(),
                  .scale = static_cast<float>(pass.scale())},
                 device, current_stream(dense));
  return output;
}

}  // namespace charrnn
