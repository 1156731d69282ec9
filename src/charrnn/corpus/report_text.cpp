#include "charrnn/corpus/report_text.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/core/text_table.h"
#include "charrnn/text/utf8.h"

namespace charrnn {

using Json = nlohmann::ordered_json;

std::string grouped(const Json& number) {
  return with_thousands(number.get<int64_t>());
}

std::string shown_character(char32_t character) {
  if (character == U' ') return "space";
  if (character == U'\n') return "line end";
  if (character == U'\t') return "tab";
  const std::string name = character_name(character);
  return name.substr(0, name.find(" ("));
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  constexpr std::string_view kNumberStarts = "+-0123456789";
  std::string alignment;
  for (const std::string& cell : rows.back()) {
    const bool is_number =
        !alignment.empty() && !cell.empty() && kNumberStarts.find(cell[0]) != std::string_view::npos;
    alignment += is_number ? 'r' : 'l';
  }
  return text_table(rows, alignment, "  ");
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
