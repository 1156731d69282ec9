// What the tools' command lines share.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/core/version.h"

namespace charrnn {

// How --help is laid out, also for help2man, which makes man pages of it: "-n, --length N", "--mode
// carry|windows", descriptions with their default, and neither CLI11's names of types nor its other checks.
class HelpLayout : public CLI::Formatter {
 public:
  HelpLayout() { label("Positionals", "Arguments"); }

  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    if (is_positional) return value_name(option);
    return CLI::detail::find_and_replace(option->get_name(false, true), ",", ", ");
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_positional() || option->get_type_size() == 0) return "";
    return " " + value_name(option);
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string standard = option->get_default_str();
    const bool is_empty = standard.empty() || standard == "[]";
    return option->get_description() + (is_empty ? "" : concat(" (default: ", standard, ")"));
  }

 private:
  static std::string value_name(const CLI::Option* option) {
    const std::string type = option->get_type_name();
    const std::string name = type.substr(0, type.find(':'));  // its checks follow
    const size_t begin = type.find('{');  // its values: {carry,windows} or {gru->1,lstm->0}
    if (begin != std::string::npos && (name == "TEXT" || name == "ENUM")) {
      return CLI::detail::join(
          CLI::detail::split(type.substr(begin + 1, type.find('}') - begin - 1), ','),
          [](const std::string& value) { return value.substr(0, value.find("->")); }, "|");
    }
    return name == "INT" || name == "UINT" ? "N" : name == "FLOAT" ? "NUMBER" : name;
  }
};

inline void add_version(CLI::App& app) {
  app.formatter(std::make_shared<HelpLayout>());
  app.set_help_flag("-h,--help", "print this help and exit");
  app.set_version_flag("--version", std::string("charrnn ") + version() + " (" + commit() + ")",
                       "print the version and exit");
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
