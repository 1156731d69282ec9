// What the tools' command lines share.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/version.h"

namespace charrnn {

inline void add_version(CLI::App& app) {
  app.set_version_flag("--version", std::string("charrnn ") + version() + " (" + commit() + ")");
}

inline void add_overrides(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option("--set", overrides, "override a setting, such as train.batch_size=256 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

// --help and --version print and leave at once. A mistake is given back, for tools that report it once over
// all ranks.
inline std::optional<Error> parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) std::exit(app.exit(problem));
    return Error(std::string(problem.what()) + " (" + app.get_name() + " --help lists what is valid)",
                 ExitCode::kUsage);
  }
}

}  // namespace charrnn
