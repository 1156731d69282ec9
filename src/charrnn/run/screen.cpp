#include "charrnn/run/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio_ext.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "charrnn/comm/launcher.h"
#include "charrnn/core/error.h"
#include "charrnn/core/system_reason.h"

namespace charrnn {
namespace {

bool output_is_terminal() {
  if (!started_by_mpirun()) return isatty(STDOUT_FILENO) != 0;
  const std::string parent = "/proc/" + std::to_string(getppid()) + "/fd/1";
  const int descriptor = open(parent.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool is_terminal = isatty(descriptor) != 0;
  close(descriptor);
  return is_terminal;
}

size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 160;
}

}  // namespace

Screen::Screen(ProgressDisplay choice, bool speaks)
    : speaks_(speaks),
      live_(choice == ProgressDisplay::kLive || (choice == ProgressDisplay::kAuto && output_is_terminal())) {}

// Drops text that cannot be written: it must not appear later, out of order. A reader that accepts nothing
// (an mpirun stopped by Ctrl-Z, a pager) must not block this rank, because the others would report it as
// lost.
void Screen::print(const std::string& text) {
  constexpr size_t kPiece = 4096;  // a pipe that is ready accepts at least this much
  constexpr int kPatience = 5000;  // milliseconds
  std::fflush(stdout);             // text that other code has printed
  std::string problem;
  for (size_t done = 0; done < text.size() && problem.empty();) {
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    if (poll(&output, 1, is_stuck_ ? 0 : kPatience) == 0) {
      is_stuck_ = true;
      problem = concat("its reader accepted nothing for ", kPatience / 1000, " s");
      break;
    }
    const ssize_t written = write(STDOUT_FILENO, text.data() + done, std::min(kPiece, text.size() - done));
    if (written >= 0) {
      is_stuck_ = false;
      done += static_cast<size_t>(written);
    } else if (errno != EINTR && errno != EAGAIN) {
      problem = system_reason();
    }
  }
  if (problem.empty()) return;
  if (!has_failed_) failure_ = problem;
  has_failed_ = true;
  __fpurge(stdout);
  std::clearerr(stdout);
}

std::string Screen::take_failure() {
  return std::exchange(failure_, {});
}

void Screen::status(const std::vector<std::string>& lines) {
  if (!speaks_) return;
  if (live_) {
    const size_t width = terminal_width() - 1;
    const auto fitting =
        std::find_if(lines.begin(), lines.end(), [&](const auto& l) { return l.size() <= width; });
    const std::string& line = fitting != lines.end() ? *fitting : lines.back();
    print("\r\033[K" + line.substr(0, width));
    status_shown_ = true;
  } else {
    print(lines.front() + "\n");
  }
  last_status_ = std::chrono::steady_clock::now();
}

bool Screen::wants_refresh() const {
  return speaks_ && live_ && std::chrono::steady_clock::now() - last_status_ > std::chrono::milliseconds(500);
}

void Screen::end_status() {
  if (!speaks_ || !status_shown_) return;
  print("\n");
  status_shown_ = false;
}

void Screen::message(const std::string& text) {
  if (!speaks_) return;
  end_status();
  print(text);
}

}  // namespace charrnn
