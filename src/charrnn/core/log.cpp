#include "charrnn/core/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <utility>

#include "charrnn/core/environment.h"

namespace charrnn::log {
namespace {

std::shared_ptr<spdlog::logger> make_logger() {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  // https://no-color.org
  if (environment_variable("NO_COLOR")) sink->set_color_mode(spdlog::color_mode::never);
  auto made = std::make_shared<spdlog::logger>("charrnn", std::move(sink));
  made->set_pattern("%^%l%$: %v");
  made->flush_on(spdlog::level::info);
  made->set_error_handler([](const std::string&) {
  });  // standard error cannot be written, and a failure cannot be reported elsewhere
  return made;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = make_logger();
  return *instance;
}

bool is_first_rank = true;
std::mutex output_mutex;
Output output;  // empty: standard error

void write(Level level, spdlog::level::level_enum spdlog_level, const std::string& message) {
  {
    const std::lock_guard lock(output_mutex);
    if (output) {
      output(level, message);
      return;
    }
  }
  logger().log(spdlog_level, message);
}

}  // namespace

void set_output(Output taker) {
  const std::lock_guard lock(output_mutex);
  output = std::move(taker);
}

void set_rank(int rank, int world_size) {
  is_first_rank = rank == 0;
  logger().set_pattern(world_size > 1 ? "%^%l%$ (rank " + std::to_string(rank) + "): %v" : "%^%l%$: %v");
}

void info(const std::string& message) {
  if (is_first_rank) write(Level::kInfo, spdlog::level::info, message);
}

void warning(const std::string& message) {
  write(Level::kWarning, spdlog::level::warn, message);
}

void error(const std::string& message) {
  write(Level::kError, spdlog::level::err, message);
}

}  // namespace charrnn::log
