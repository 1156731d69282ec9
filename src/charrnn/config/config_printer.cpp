#include "charrnn/config/config_printer.h"

#include <algorithm>
#include <utility>

#include "charrnn/config/settings_table.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

class Flattener : public SettingsVisitor {
 public:
  Flattener(std::string path, std::map<std::string, std::string>& values)
      : path_(std::move(path)), values_(values) {}

  void setting(Setting& setting) override { values_[joined_path(path_, setting.name)] = setting.text(); }
  void section(std::string_view name, const std::function<void(SettingsVisitor&)>& visit) override {
    Flattener inner(joined_path(path_, name), values_);
    visit(inner);
  }

 private:
  std::string path_;
  std::map<std::string, std::string>& values_;
};

class Printer : public SettingsVisitor {
 public:
  Printer(std::string indent, std::string& out) : indent_(std::move(indent)), out_(out) {}

  void setting(Setting& setting) override {
    out_ += concat(indent_, setting.name, ": ", setting.text(), "\n");
  }
  void section(std::string_view name, const std::function<void(SettingsVisitor&)>& visit) override {
    out_ += concat(indent_, name, ":\n");
    Printer inner(indent_ + "  ", out_);
    visit(inner);
  }

 private:
  std::string indent_;
  std::string& out_;
};

class HelpPrinter : public SettingsVisitor {
 public:
  HelpPrinter(std::string path, std::string& out) : path_(std::move(path)), out_(out) {}

  void setting(Setting& setting) override {
    std::string line = concat("  ", joined_path(path_, setting.name), " = ", setting.text());
    line.resize(std::max<size_t>(line.size() + 2, 44), ' ');
    line += concat(setting.info.help, " [", setting.type());
    const std::string range = setting.info.range();
    if (!range.empty()) line += "; " + range;
    if (!setting.info.unit.empty()) line += concat("; in ", setting.info.unit);
    out_ += line + "]\n";
  }
  void section(std::string_view name, const std::function<void(SettingsVisitor&)>& visit) override {
    if (path_.empty()) out_ += concat("\n", name, "\n");
    HelpPrinter inner(joined_path(path_, name), out_);
    visit(inner);
  }

 private:
  std::string path_;
  std::string& out_;
};

// A visitor may change the settings: printers receive a copy.
void show(Settings settings, SettingsVisitor& printer) {
  visit(settings, printer);
}

}  // namespace

std::string to_yaml(const Settings& settings) {
  std::string text;
  Printer printer("", text);
  show(settings, printer);
  return text;
}

std::map<std::string, std::string> flatten(const Settings& settings) {
  std::map<std::string, std::string> values;
  Flattener flattener("", values);
  show(settings, flattener);
  return values;
}

std::string config_help() {
  std::string text = "All settings of a config file, with their defaults. To override one: --set KEY=VALUE\n";
  HelpPrinter printer("", text);
  show(Settings(), printer);
  return text;
}

}  // namespace charrnn
