#include "charrnn/text/source/json_lines.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr size_t kEscape = 6;  // \uXXXX

// The code unit of the escape \uXXXX at `at`, nullopt if `at` has no such escape.
std::optional<unsigned> escaped_unit(std::string_view line, size_t at) {
  if (line.size() < at + kEscape || line[at] != '\\' || line[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const char* const end = line.data() + at + kEscape;
  const auto [stop, error] = std::from_chars(end - 4, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

// Places of escapes that are half a surrogate pair without the other half.
std::vector<size_t> lone_surrogates(std::string_view line) {
  std::vector<size_t> places;
  for (size_t at = line.find('\\'); at < line.size(); at = line.find('\\', at)) {
    const std::optional<unsigned> unit = escaped_unit(line, at);
    if (!unit) {
      at += 2;
    } else if ((*unit & 0xfc00U) == 0xd800U &&
               (escaped_unit(line, at + kEscape).value_or(0) & 0xfc00U) == 0xdc00U) {
      at += 2 * kEscape;
    } else {
      if ((*unit & 0xf800U) == 0xd800U) places.push_back(at);
      at += kEscape;
    }
  }
  return places;
}

}  // namespace

struct JsonLines::Parser {
  simdjson::dom::parser dom;
  std::string line;                 // repaired
  std::array<std::string, 2> text;  // of the field, without and with U+FFFD
};

JsonLines::JsonLines(std::string field, InvalidBytes invalid)
    : field_(std::move(field)), invalid_(invalid), parser_(std::make_unique<Parser>()) {}
JsonLines::~JsonLines() = default;

void JsonLines::read(std::string_view lines, uint64_t first_line,
                     const std::function<void(const Document&)>& visit) {
  for (uint64_t number = first_line; !lines.empty(); ++number) {
    const size_t length = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, length);
    lines.remove_prefix(std::min(length + 1, lines.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;

    Document document{.text = {}, .line = number, .invalid = 0, .problem = {}};
    read_line(line, document);
    if (!document.problem.empty() && !lone_surrogates(line).empty()) read_repaired(line, document);
    visit(document);
  }
}

void JsonLines::read_line(std::string_view line, Document& document) {
  document.problem.clear();
  simdjson::dom::element object;
  simdjson::dom::element value;
  const auto field = [&] {
    return field_.starts_with('/') ? object.at_pointer(field_).get(value) : object.at_key(field_).get(value);
  };
  const simdjson::error_code error = parser_->dom.parse(line.data(), line.size()).get(object);
  if (error != simdjson::SUCCESS) {
    document.problem = concat("is not JSON (", simdjson::error_message(error), ")");
  } else if (!object.is_object()) {
    document.problem =
        "is not a JSON object (expected one object a line; jq -c '.[]' makes lines of an array)";
  } else if (field() != simdjson::SUCCESS) {
    document.problem =
        concat("has no field \"", field_, "\": set corpus.json_field to the field with the text");
  } else if (value.get_string().get(document.text) != simdjson::SUCCESS) {
    document.problem = concat("has a field \"", field_, "\" that is not a string");
  }
}

// JSON's grammar allows half a surrogate pair, UTF-8 does not, so simdjson refuses the line. The line is read
// twice, with U+FFFD in place of each half and without: the difference is the number of halves in the field.
// Halves in other fields do no harm.
void JsonLines::read_repaired(std::string_view line, Document& document) {
  const std::vector<size_t> places = lone_surrogates(line);
  Parser& parser = *parser_;
  for (const bool replace : {true, false}) {
    parser.line.clear();
    size_t copied = 0;
    for (const size_t place : places) {
      parser.line.append(line, copied, place - copied);
      if (replace) parser.line += "\\ufffd";
      copied = place + kEscape;
    }
    parser.line.append(line, copied);
    read_line(parser.line, document);
    if (!document.problem.empty()) return;
    parser.text[replace ? 1 : 0] = document.text;
  }
  document.invalid = count_characters(parser.text[1]) - count_characters(parser.text[0]);
  document.text = parser.text[invalid_ == InvalidBytes::kReplace ? 1 : 0];
  if (document.invalid > 0 && invalid_ == InvalidBytes::kError) {
    document.text = {};
    document.problem =
        concat("has half of a surrogate pair (", line.substr(places.front(), kEscape), ") in the field \"",
               field_, "\", which is not a character: set corpus.invalid_bytes to replace or skip");
  }
}

}  // namespace charrnn
