// The one exception type. Thrown by fail() and check(), caught in a tool's main, which prints it and leaves
// with the exit code of its kind. A message has what was expected, what was found, where, and what to do.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace charrnn {

// What went wrong, as far as a program decides by it. (core/exit_code.h: what the tools make of it.) If ranks
// fail for different reasons, the greatest counts.
enum class ErrorKind {
  kStopped = 1,  // the work was asked to stop before it was complete
  kFailed,       // anything else: a file, a disk, memory, a bug
  kInput,        // a command line, config or input that cannot work: the caller can correct it
  kDiverged,     // the loss stopped being a number
  kLost,         // a rank or the network was lost
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorKind kind = ErrorKind::kFailed)
      : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// "a", 3, "b" -> "a3b"
template <class... Parts>
std::string concat(Parts&&... parts) {
  std::ostringstream out;
  (out << ... << std::forward<Parts>(parts));
  return out.str();
}

template <class... Parts>
[[noreturn]] void fail(Parts&&... parts) {
  throw Error(concat(std::forward<Parts>(parts)...));
}

// For input that the user can correct: kInput.
template <class... Parts>
[[noreturn]] void fail_usage(Parts&&... parts) {
  throw Error(concat(std::forward<Parts>(parts)...), ErrorKind::kInput);
}

template <class... Parts>
[[noreturn]] void fail_stopped(Parts&&... parts) {
  throw Error(concat(std::forward<Parts>(parts)...), ErrorKind::kStopped);
}

// The message is only built when the condition fails; its parts are always evaluated, so keep them cheap.
template <class... Parts>
void check(bool condition, Parts&&... parts) {
  if (!condition) fail(std::forward<Parts>(parts)...);
}

}  // namespace charrnn
