#include "test_device/cpu_kernels.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <set>
#include <string>

#include "test_device/cpu_alias.h"
#include "test_device/device_work.h"

namespace charrnn::test_backend {
namespace {

// Operators for whose results the host must wait, because the sizes depend on the data.
const std::set<std::string>& data_dependent() {
  static const std::set<std::string> names = {"nonzero",  "masked_select",    "_unique",
                                              "_unique2", "unique_dim",       "unique_consecutive",
                                              "bincount", "repeat_interleave"};
  return names;
}

// Element-wise operators may have a scalar on the CPU as an argument, as with CUDA.
bool may_be_on_cpu(const at::Tensor& tensor, const c10::OperatorHandle& op, const std::string& name) {
  if (tensor.dim() != 0) return false;
  static const std::set<std::string> with_value = {"fill_", "masked_fill_", "_index_put_impl_"};
  return tensor.unsafeGetTensorImpl()->is_wrapped_number() || op.hasTag(at::Tag::pointwise) ||
         with_value.contains(name);
}

class Call {
 public:
  explicit Call(const c10::OperatorHandle& op)
      : op_(op), name_(op.schema().name().substr(op.schema().name().rfind(':') + 1)) {}

  const std::string& name() const { return name_; }

  c10::IValue argument(const c10::IValue& value, bool is_written) {
    if (value.isTensor()) return on_cpu(value.toTensor(), is_written);
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(on_cpu(tensor, is_written));
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector()) {
        list.push_back(tensor ? std::optional(on_cpu(*tensor, is_written)) : std::nullopt);
      }
      return list;
    }
    TORCH_CHECK(!value.isGenerator(), "Expected a '", test_device().type(),
                "' device type for generator but found '", value.toGenerator().device().type(), "', in ",
                op_.operator_name());
    if (value.isDevice()) return at::Device(at::kCPU);
    return value;
  }

  c10::IValue result(const c10::IValue& value) const {
    if (value.isTensor()) return aliases_.back(value.toTensor());
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(aliases_.back(tensor));
      return list;
    }
    return value;
  }

  void resize_outputs() const { aliases_.resize_originals(); }

 private:
  at::Tensor on_cpu(const at::Tensor& tensor, bool is_written) {
    if (!tensor.defined()) return tensor;
    if (tensor.device().type() == at::kPrivateUse1) return aliases_.of(tensor);
    TORCH_CHECK(!is_written && may_be_on_cpu(tensor, op_, name_),
                "Expected all tensors to be on the same device, but found at least two devices, ",
                test_device(), " and ", tensor.device(), ", in ", op_.operator_name());
    return tensor;
  }

  const c10::OperatorHandle& op_;
  std::string name_;
  CpuAliases aliases_;
};

}  // namespace

void run_on_cpu(const c10::OperatorHandle& op, c10::DispatchKeySet /*keys*/, torch::jit::Stack* stack) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const c10::FunctionSchema& schema = op.schema();
  Call call(op);
  const size_t first = stack->size() - schema.arguments().size();
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    c10::IValue& value = (*stack)[first + i];
    value = call.argument(value, alias != nullptr && alias->isWrite());
  }
  count_operation(call.name());
  bool needs_value = data_dependent().contains(call.name());
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  call.resize_outputs();
  for (size_t i = stack->size() - schema.returns().size(); i < stack->size(); ++i) {
    c10::IValue& value = (*stack)[i];
    needs_value = needs_value || value.isBool() || value.isInt() || value.isDouble();
    value = call.result(value);
  }
  if (needs_value) synchronize(call.name());
}

}  // namespace charrnn::test_backend
