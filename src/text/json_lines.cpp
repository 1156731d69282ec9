#include "text/json_lines.h"

#include <simdjson.h>

#include "core/error.h"

namespace charrnn {

struct JsonLines::Parser {
  simdjson::dom::parser dom;
};

JsonLines::JsonLines(std::string field) : field_(std::move(field)), parser_(std::make_unique<Parser>()) {}
JsonLines::~JsonLines() = default;

void JsonLines::read(std::string_view lines, uint64_t first_line,
                     const std::function<void(const Document&)>& visit) {
  for (uint64_t number = first_line; !lines.empty(); ++number) {
    const size_t length = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, length);
    lines.remove_prefix(std::min(length + 1, lines.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;

    Document document{.text = {}, .line = number, .problem = {}};
    simdjson::dom::element object;
    simdjson::dom::element value;
    simdjson::error_code error = parser_->dom.parse(line.data(), line.size()).get(object);
    if (error != simdjson::SUCCESS) {
      document.problem = concat("is not JSON (", simdjson::error_message(error), ")");
    } else if (!object.is_object()) {
      document.problem =
          "is not a JSON object (expected one object a line; jq -c '.[]' makes lines of an array)";
    } else if ((error = field_.starts_with('/') ? object.at_pointer(field_).get(value)
                                                : object.at_key(field_).get(value)) != simdjson::SUCCESS) {
      document.problem =
          concat("has no field \"", field_, "\": set corpus.json_field to the one with the text");
    } else if (value.get_string().get(document.text) != simdjson::SUCCESS) {
      document.problem = concat("has a field \"", field_, "\" that is not a string");
    }
    visit(document);
  }
}

}  // namespace charrnn
