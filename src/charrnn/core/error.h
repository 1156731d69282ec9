// The one exception type. Thrown by fail() and check(), caught in a tool's main, which prints it and leaves
// with its exit code. A message has what was expected, what was found, where, and what to do.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace charrnn {

// What a process returns: scripts and schedulers decide by these (README has the list).
enum class ExitCode {
  kFinished = 0,
  kError = 1,
  kUsage = 2,     // a command line, config or input that cannot work
  kDiverged = 3,  // the loss stopped being a number
  kLost = 4,      // a rank or the network was lost
  kSaved = 75,    // stopped on request, saved: run me again
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ExitCode code = ExitCode::kError)
      : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
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

// For input that the user can correct: exit code 2.
template <class... Parts>
[[noreturn]] void fail_usage(Parts&&... parts) {
  throw Error(concat(std::forward<Parts>(parts)...), ExitCode::kUsage);
}

// The message is only built when the condition fails; its parts are always evaluated, so keep them cheap.
template <class... Parts>
void check(bool condition, Parts&&... parts) {
  if (!condition) fail(std::forward<Parts>(parts)...);
}

}  // namespace charrnn
