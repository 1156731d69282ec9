// The exit codes of the programs, by which scripts and schedulers decide (docs/cluster.md lists them). All
// inline, because the NCCL module uses them and is not linked with charrnn.
#pragma once

#include "charrnn/core/error.h"

namespace charrnn {

enum class ExitCode {
  kFinished = 0,
  kError = 1,
  kUsage = 2,     // a command line, config or input that cannot work
  kDiverged = 3,  // the loss stopped being a number
  kLost = 4,      // a rank or the network was lost
  kSaved = 75,    // stopped on request, saved: run me again
};

constexpr ExitCode exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kStopped:
    case ErrorKind::kFailed:
      return ExitCode::kError;
    case ErrorKind::kInput:
      return ExitCode::kUsage;
    case ErrorKind::kDiverged:
      return ExitCode::kDiverged;
    case ErrorKind::kLost:
      return ExitCode::kLost;
  }
  return ExitCode::kError;
}

}  // namespace charrnn
