#include "report.h"

#include <algorithm>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/core/text_table.h"

namespace charrnn {

namespace {

StopToken asked;

}  // namespace

void stop_by(StopToken token) {
  asked = token;
}

bool is_asked_to_stop() {
  return asked.stop_requested();
}

void stop_when_asked() {
  if (is_asked_to_stop()) fail_stopped("stopped by ", asked.reason(), ", nothing measured");
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::string spread_of(const std::vector<double>& values, int digits) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return fixed(*least, digits) + ".." + fixed(*most, digits);
}

std::string table_of(const std::vector<std::vector<std::string>>& rows) {
  std::string alignment(rows.front().size() - 1, 'r');
  alignment.front() = 'l';
  return text_table(rows, alignment);
}

}  // namespace charrnn
