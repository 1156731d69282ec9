#include "settings_dict.h"

#include <pybind11/stl.h>

#include <charconv>
#include <string_view>

#include "charrnn/config/settings_table.h"

namespace py = pybind11;

namespace charrnn::python {
namespace {

template <class Number>
bool is_number(std::string_view text, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

py::object number_or_word(std::string_view text) {
  int64_t whole = 0;
  double real = 0;
  if (is_number(text, whole)) return py::int_(whole);
  if (is_number(text, real)) return py::float_(real);
  return py::str(text.data(), text.size());
}

// A value of a type that only settings have, as YAML: "64", "2 epochs", "[10, 40]", "[0.5, greedy]".
py::object from_yaml(std::string_view text) {
  if (!text.starts_with('[')) return number_or_word(text);
  py::list list;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(", "), text.size());
    list.append(number_or_word(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 2, text.size()));
  }
  return list;
}

py::object to_object(const std::vector<SourceSettings>& sources) {
  py::list list;
  for (const SourceSettings& source : sources) {
    py::dict one;
    one["path"] = source.path;
    one["encoding"] = source.encoding;
    one["json_field"] = source.json_field;
    list.append(one);
  }
  return list;
}

class DictVisitor : public SettingsVisitor {
 public:
  explicit DictVisitor(py::dict& dict) : dict_(dict) {}

  void setting(Setting& setting) override {
    const std::string yaml = setting.text();
    dict_[py::str(setting.name.data(), setting.name.size())] = std::visit(
        [&](const auto& value) -> py::object {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::string>) {
            return yaml.starts_with('"') ? py::object(py::str(value)) : from_yaml(value);
          } else if constexpr (std::is_same_v<T, std::vector<SourceSettings>>) {
            return to_object(value);
          } else {
            return py::cast(value);
          }
        },
        setting.plain());
  }
  void section(std::string_view name, const std::function<void(SettingsVisitor&)>& visit) override {
    py::dict inner;
    DictVisitor visitor(inner);
    visit(visitor);
    dict_[py::str(name.data(), name.size())] = inner;
  }

 private:
  py::dict& dict_;
};

}  // namespace

py::dict to_dict(const Settings& settings) {
  py::dict dict;
  Settings copy = settings;  // a visitor may change what it is shown
  DictVisitor visitor(dict);
  visit(copy, visitor);
  return dict;
}

}  // namespace charrnn::python
