// What the tools' command lines share.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/core/version.h"

namespace charrnn {

inline void add_version(CLI::App& app) {
  app.set_version_flag("--version", std::string("charrnn ") + version() + " (" + commit() + ")");
}

inline void add_overrides(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option("--set", overrides, "override a setting, such as train.batch_size=256 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

// A finite number that is at least, or above, `limit`. (CLI11's own ranges let NaN through and print 300
// digits.)
inline CLI::Validator at_least(double limit, bool or_equal = true) {
  return CLI::Validator(
      [=](const std::string& text) {
        double value = 0;
        const bool is_number = CLI::detail::lexical_cast(text, value) && std::isfinite(value);
        if (is_number && (value > limit || (or_equal && value == limit))) return std::string();
        return concat("expected a number ", or_equal ? "of at least " : "above ", limit, ", found ", text);
      },
      "NUMBER");
}
inline CLI::Validator above(double limit) {
  return at_least(limit, false);
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
                 ErrorKind::kInput);
  }
}

}  // namespace charrnn
