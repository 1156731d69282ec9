#include "charrnn/run/metrics.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio_ext.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/core/system_reason.h"

namespace charrnn {
namespace {

using nlohmann::ordered_json;

ordered_json line_of(const char* kind, const Progressed& progress, double epoch) {
  return {{"kind", kind},
          {"step", progress.step},
          {"epoch", epoch},
          {"characters", progress.characters},
          {"seconds", progress.seconds}};
}

// JSON has no infinity: a number that is none becomes null.
void add_loss(ordered_json& line, const Loss& loss) {
  line["loss_nats"] = loss.nats();
  line["perplexity"] = loss.perplexity();
  line[bits_key(loss.unit)] = loss.bits();
}

// Bytes that are no UTF-8 (a model of bytes) become U+FFFD.
std::string dumped(const ordered_json& line) {
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string unknown_text(const Loss& loss) {
  return loss.unknown > 0 ? concat(", ", fixed(100 * loss.unknown_share(), 1), " % of the targets are <unk>")
                          : "";
}

bool output_is_terminal() {
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return isatty(STDOUT_FILENO) != 0;
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

std::string train_json(const Progressed& progress, const TrainLine& line) {
  ordered_json json = line_of("train", progress, line.epoch);
  add_loss(json, line.loss);
  json["learning_rate"] = line.learning_rate;
  json["gradient_norm"] = line.gradient_norm;
  json["characters_per_second"] = line.characters_per_second;
  json["skipped_steps"] = line.skipped_steps;
  json["spikes"] = line.spikes;
  json["work_seconds_mean"] = line.work.mean;
  json["work_seconds_longest"] = line.work.longest;
  json["slowest_rank"] = line.work.slowest_rank;
  return dumped(json);
}

std::string valid_json(const Progressed& progress, double epoch, const Loss& loss, const std::string& split) {
  ordered_json json = line_of("valid", progress, epoch);
  json["split"] = split;
  add_loss(json, loss);
  json["unknown_share"] = loss.unknown_share();
  return dumped(json);
}

std::string sample_json(const Progressed& progress, double epoch, const std::string& prefix,
                        double temperature, const std::string& text) {
  ordered_json json = line_of("sample", progress, epoch);
  json["prefix"] = prefix;
  json["temperature"] = temperature;
  json["text"] = text;
  return dumped(json);
}

std::string checkpoint_json(const Progressed& progress, double epoch, const std::string& file, bool is_best) {
  ordered_json json = line_of("checkpoint", progress, epoch);
  json["file"] = file;
  json["best"] = is_best;
  return dumped(json);
}

std::string event_json(const Progressed& progress, double epoch, const std::string& text) {
  ordered_json json = line_of("event", progress, epoch);
  json["text"] = text;
  return dumped(json);
}

Screen::Screen(ProgressDisplay choice, bool speaks)
    : speaks_(speaks),
      live_(choice == ProgressDisplay::kLive || (choice == ProgressDisplay::kAuto && output_is_terminal())) {}

// What cannot be written is dropped: it must not wait and come later, out of place. A reader that takes
// nothing (an mpirun that was stopped by Ctrl-Z, a pager) must not hold this rank: the others would take it
// for lost.
void Screen::print(const std::string& text) {
  constexpr size_t kPiece = 4096;  // a pipe that is ready takes as much
  constexpr int kPatience = 5000;  // milliseconds
  std::fflush(stdout);             // what was printed before, by others
  std::string problem;
  for (size_t done = 0; done < text.size() && problem.empty();) {
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    if (poll(&output, 1, is_stuck_ ? 0 : kPatience) == 0) {
      is_stuck_ = true;
      problem = concat("its reader took nothing for ", kPatience / 1000, " s");
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

std::string loss_text(const Loss& loss, const Baselines& baselines) {
  return concat("loss ", fixed(loss.nats(), 3), " nats  ppl ", fixed(loss.perplexity(), 2), "  ",
                fixed(loss.bits(), 3), " ", bits_label(loss.unit), " (unigram ",
                fixed(baselines.unigram_bits, 2), ", bigram ", fixed(baselines.bigram_bits, 2), ")",
                unknown_text(loss));
}

std::vector<std::string> status_lines(const Progressed& progress, const TrainLine& line, int64_t total_steps,
                                      const Baselines& baselines, double seconds_left) {
  const std::string step = concat("step ", with_thousands(progress.step), "/", with_thousands(total_steps));
  const std::string epoch = concat("  epoch ", fixed(line.epoch, 2));
  const std::string nats = concat("  loss ", fixed(line.loss.nats(), 3), " nats");
  const std::string perplexity = concat("  ppl ", fixed(line.loss.perplexity(), 2));
  const std::string bits = concat("  ", fixed(line.loss.bits(), 3), " ", bits_label(line.loss.unit));
  const std::string pace =
      concat("  ", with_thousands(std::llround(line.characters_per_second)),
             line.loss.unit == Unit::kByte ? " byte/s  " : " char/s  ", duration_text(seconds_left), " left");
  return {concat(step, epoch, "  ", loss_text(line.loss, baselines), pace),
          step + epoch + nats + perplexity + bits + pace, step + nats + bits + pace, step + nats + pace};
}

}  // namespace charrnn
