#include "data/report_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "core/error.h"
#include "text/utf8.h"

namespace charrnn {

using Json = nlohmann::ordered_json;

std::string grouped(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string grouped(const Json& number) {
  return grouped(number.get<uint64_t>());
}

std::string plural(uint64_t count, const std::string& noun) {
  return concat(grouped(count), " ", noun, count == 1 ? "" : "s");
}

std::string shown_character(char32_t character) {
  if (character == U' ') return "space";
  if (character == U'\n') return "line end";
  if (character == U'\t') return "tab";
  const std::string name = character_name(character);
  return name.substr(0, name.find(" ("));
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;  // in characters
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max<size_t>(widths[i], count_characters(row[i]));
  }
  const auto is_number = [&](size_t column) {
    return column > 0 &&
           std::string_view("+-0123456789").find(rows.back()[column][0]) != std::string_view::npos;
  };
  std::ostringstream out;
  for (const auto& row : rows) {
    std::ostringstream line;
    line << " ";
    for (size_t i = 0; i < row.size(); ++i) {
      const bool right = !rows.back()[i].empty() && is_number(i);
      const std::string gap(widths[i] - count_characters(row[i]), ' ');
      line << " " << (right ? gap : "") << row[i] << (right ? "" : gap) << " ";
    }
    std::string text = line.str();
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << "\n";
  }
  return out.str();
}

std::string charset_text(const Json& source) {
  std::string text = source["charset"].get<std::string>();
  std::string notes;
  if (source.value("found_by", "") == "detector") {
    notes = concat("detector, ", source.value("confidence", 0), " %");
  } else if (source.value("found_by", "") == "given") {
    notes = "given";
  }
  const std::string declared = source.value("declared", "");
  if (!declared.empty() && declared != text)
    notes += (notes.empty() ? "declares " : "; declares ") + declared;
  return notes.empty() ? text : text + " (" + notes + ")";
}

}  // namespace charrnn
