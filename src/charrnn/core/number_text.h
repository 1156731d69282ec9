// Numbers as text for people.
#pragma once

#include <cstdint>
#include <string>

namespace charrnn {

std::string with_thousands(int64_t number);   // 1234567 -> "1,234,567"
std::string number_text(double value);        // the shortest that is read back as the same number
std::string fixed(double value, int digits);  // 1.2345, 2 -> "1.23"
std::string duration_text(double seconds);    // 83 -> "1:23", 3723 -> "1:02:03"
std::string plural(int64_t count, const std::string& noun);  // "1 rank", "2,000 ranks"

}  // namespace charrnn
