// More bytes than an MPI count, an int, can hold.
#include <gtest/gtest.h>

#include "comm_rank_main.h"

namespace charrnn {
namespace {

TEST(LongBroadcast, OfMoreThanTwoToThe31Bytes) {
  constexpr size_t kBytes = (size_t{1} << 31) + 11;
  const auto value_at = [](size_t place) { return static_cast<std::byte>(place * 2654435761u >> 13); };
  std::vector<std::byte> values(kBytes);
  if (group().rank() == 0) {
    for (size_t i = 0; i < kBytes; ++i) values[i] = value_at(i);
  }
  group().broadcast(std::span(values), 0);
  // Both ends, both sides of the pieces' edges and of 2^31, and places in between.
  std::vector<size_t> places{0,         1, (2u << 20) - 1, 2u << 20, (size_t{1} << 31) - 1, size_t{1} << 31,
                             kBytes - 1};
  for (size_t place = 0; place < kBytes; place += 999'983) places.push_back(place);
  for (const size_t place : places) ASSERT_EQ(values[place], value_at(place)) << place;
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_rank_tests(argc, argv);
}
