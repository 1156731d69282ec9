#include "charrnn/config/config_file.h"
#include "charrnn/config/setting_value.h"

namespace charrnn {
namespace {

class Flattener {
 public:
  Flattener(std::string path, std::map<std::string, std::string>& values)
      : path_(std::move(path)), values_(values) {}
  template <class T>
  void field(std::string_view key, const T& value, const SettingInfo& info) {
    values_[joined_path(path_, key)] = text_of(value, info);
  }
  template <class VisitSection>
  void section(std::string_view key, VisitSection visit_section) {
    Flattener inner(joined_path(path_, key), values_);
    visit_section(inner);
  }

 private:
  std::string path_;
  std::map<std::string, std::string>& values_;
};

class Printer {
 public:
  Printer(std::string indent, std::string& out) : indent_(std::move(indent)), out_(out) {}
  template <class T>
  void field(std::string_view key, const T& value, const SettingInfo& info) {
    out_ += concat(indent_, key, ": ", text_of(value, info), "\n");
  }
  template <class VisitSection>
  void section(std::string_view key, VisitSection visit_section) {
    out_ += concat(indent_, key, ":\n");
    Printer inner(indent_ + "  ", out_);
    visit_section(inner);
  }

 private:
  std::string indent_;
  std::string& out_;
};

class HelpPrinter {
 public:
  HelpPrinter(std::string path, std::string& out) : path_(std::move(path)), out_(out) {}
  template <class T>
  void field(std::string_view key, const T& value, const SettingInfo& info) {
    std::string line = concat("  ", joined_path(path_, key), " = ", text_of(value, info));
    line.resize(std::max<size_t>(line.size() + 2, 44), ' ');
    line += concat(info.help, " [", type_of<T>(info));
    if (!range_text(info).empty()) line += "; " + range_text(info);
    if (!info.unit.empty()) line += concat("; in ", info.unit);
    out_ += line + "]\n";
  }
  template <class VisitSection>
  void section(std::string_view key, VisitSection visit_section) {
    if (path_.empty()) out_ += concat("\n", key, "\n");
    HelpPrinter inner(joined_path(path_, key), out_);
    visit_section(inner);
  }

 private:
  std::string path_;
  std::string& out_;
};

}  // namespace

std::string to_yaml(const Settings& settings) {
  std::string text;
  Printer printer("", text);
  visit(settings, printer);
  return text;
}

std::map<std::string, std::string> flatten(const Settings& settings) {
  std::map<std::string, std::string> values;
  Flattener flattener("", values);
  visit(settings, flattener);
  return values;
}

std::string config_help() {
  std::string text = "Every key of a config, with its default. Each can be overridden: --set KEY=VALUE\n";
  HelpPrinter printer("", text);
  const Settings defaults;
  visit(defaults, printer);
  return text;
}

}  // namespace charrnn
