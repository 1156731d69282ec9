#include "charrnn/core/exception_reason.h"

#include <new>

namespace charrnn {

std::string exception_reason(const std::exception& problem) {
  std::string text = problem.what();
  if (dynamic_cast<const Error*>(&problem) != nullptr) return text;
  for (const char* const rest : {"\nException raised from", "\nframe #"})
    text = text.substr(0, text.find(rest));
  const bool is_memory = dynamic_cast<const std::bad_alloc*>(&problem) != nullptr ||
                         text.find("not enough memory") != std::string::npos ||
                         text.find("can't allocate memory") != std::string::npos ||
                         text.find("out of memory") != std::string::npos;
  if (!is_memory) return text;
  return concat("out of memory (", text,
                "): charrnn_train --dry-run prints what a run needs; a smaller train.batch_size, "
                "train.sequence_length or model, or a larger train.accumulate, need less");
}

ErrorKind error_kind_of(const std::exception& problem) {
  const auto* const error = dynamic_cast<const Error*>(&problem);
  return error != nullptr ? error->kind() : ErrorKind::kFailed;
}

}  // namespace charrnn
