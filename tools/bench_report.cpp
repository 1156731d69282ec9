#include "bench_report.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "core/error.h"
#include "core/stop_signal.h"

namespace charrnn {

void stop_when_asked() {
  const int signal = stop_signal();
  if (signal != 0) throw Error(concat("stopped by ", signal_name(signal), ", nothing measured"));
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::string spread_of(const std::vector<double>& values, int digits) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return with_digits(*least, digits) + ".." + with_digits(*most, digits);
}

std::string with_digits(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

std::string table_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::ostringstream out;
  for (const auto& row : rows) {
    const size_t last = row.size() - 1;
    out << std::left << std::setw(static_cast<int>(widths[0])) << row[0];
    for (size_t i = 1; i < last; ++i)
      out << "  " << std::right << std::setw(static_cast<int>(widths[i])) << row[i];
    out << "  " << row[last] << '\n';
  }
  return out.str();
}

}  // namespace charrnn
