// What every Communicator promises; run as a group of one (solo) and under mpirun with 2 and 3 ranks (mpi).
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "comm/agreement.h"
#include "comm_rank_main.h"

namespace charrnn {
namespace {

// Rank r puts in 2^r, so the sum, 2^W - 1, shows who was missing.
double own() {
  return std::ldexp(1.0, group().rank());
}
double sum_of_all() {
  return std::ldexp(1.0, group().size()) - 1;
}

std::vector<std::byte> bytes(const std::string& text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

// Longer than one piece of the MPI backend (2 MiB) and no multiple of it.
constexpr size_t kLong = 3 * (2u << 20) / sizeof(float) + 11;

TEST(Ranks, WhoIAm) {
  EXPECT_GE(group().rank(), 0);
  EXPECT_LT(group().rank(), group().size());
  EXPECT_EQ(group().local_rank(), group().rank());  // all on this host
  EXPECT_EQ(group().local_size(), group().size());
  EXPECT_EQ(group().backend(), group().size() == 1 ? "solo" : "mpi");
}

TEST(Ranks, SumOfDoubles) {
  std::vector<double> values{own(), -own(), 0.5};
  group().all_reduce_sum(values);
  EXPECT_THAT(values, testing::ElementsAre(sum_of_all(), -sum_of_all(), 0.5 * group().size()));
}

TEST(Ranks, SumOfALongBuffer) {
  std::vector<float> values(kLong);
  for (size_t i = 0; i < kLong; ++i) values[i] = static_cast<float>(own()) * static_cast<float>(i % 1000);
  group().all_reduce_sum(values, nullptr);
  for (size_t i = 0; i < kLong; ++i) {
    ASSERT_EQ(values[i], static_cast<float>(sum_of_all()) * static_cast<float>(i % 1000)) << i;
  }
}

TEST(Ranks, SumOfNothing) {
  group().all_reduce_sum(std::span<float>(), nullptr);
  group().all_reduce_sum(std::span<double>());
}

// Numbers whose sum depends on the order: all ranks must have added in the same one, each time.
TEST(Ranks, SumsAreEqualOnAllRanksAndRepeatable) {
  std::vector<float> first;
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::vector<float> values(kLong);
    for (size_t i = 0; i < kLong; ++i) {
      values[i] = std::sin(static_cast<float>(i)) * std::ldexp(1.0f, 8 * group().rank());
    }
    group().all_reduce_sum(values, nullptr);
    if (repeat == 0) first = values;
    ASSERT_EQ(std::memcmp(first.data(), values.data(), kLong * sizeof(float)), 0) << "repeat " << repeat;
  }
  std::vector<float> of_rank_0 = first;
  group().broadcast(of_rank_0, 0, nullptr);
  EXPECT_EQ(std::memcmp(first.data(), of_rank_0.data(), kLong * sizeof(float)), 0);
}

TEST(Ranks, Maximum) {
  std::vector<int64_t> values{group().rank(), -group().rank(), int64_t{1} << 60};
  group().all_reduce_max(values);
  EXPECT_THAT(values, testing::ElementsAre(group().size() - 1, 0, int64_t{1} << 60));
}

TEST(Ranks, BroadcastFromEachRank) {
  for (int root = 0; root < group().size(); ++root) {
    std::vector<float> values(kLong, static_cast<float>(group().rank()));
    values.back() += 0.5f;
    group().broadcast(values, root, nullptr);
    EXPECT_EQ(values.front(), static_cast<float>(root));
    EXPECT_EQ(values.back(), static_cast<float>(root) + 0.5f);

    auto text = bytes("from " + std::to_string(group().rank()));
    group().broadcast(text, root);
    EXPECT_EQ(text, bytes("from " + std::to_string(root)));
  }
}

TEST(Ranks, GatherOfUnequalLengths) {
  // Rank r gives r pieces and a little more; rank 0 gives nothing.
  const auto length = [](int rank) { return static_cast<size_t>(rank) * ((2u << 20) + 7); };
  const std::vector<std::byte> mine(length(group().rank()), static_cast<std::byte>(group().rank()));
  const auto all = group().gather(mine);
  if (group().rank() != 0) {
    EXPECT_TRUE(all.empty());
    return;
  }
  ASSERT_EQ(all.size(), static_cast<size_t>(group().size()));
  for (int rank = 0; rank < group().size(); ++rank) {
    const auto& part = all[static_cast<size_t>(rank)];
    EXPECT_EQ(part, std::vector<std::byte>(length(rank), static_cast<std::byte>(rank))) << "rank " << rank;
  }
}

TEST(Ranks, ScatterOfUnequalLengths) {
  const auto part = [](int rank) { return bytes(std::string(static_cast<size_t>(3 * rank), 'a') + "!"); };
  std::vector<std::vector<std::byte>> parts;
  if (group().rank() == 0) {
    for (int rank = 0; rank < group().size(); ++rank) parts.push_back(part(rank));
    parts.back().resize(5u << 20);
  }
  const auto mine = group().scatter(parts);
  if (group().rank() == group().size() - 1) {
    EXPECT_EQ(mine.size(), 5u << 20);
  } else {
    EXPECT_EQ(mine, part(group().rank()));
  }
}

TEST(Ranks, Barrier) {
  group().barrier();
  group().barrier();
}

TEST(Ranks, Texts) {
  const int last = group().size() - 1;
  EXPECT_EQ(broadcast_text(group(), "of rank " + std::to_string(group().rank()), last),
            "of rank " + std::to_string(last));
  const std::string mine(static_cast<size_t>(group().rank()), 'x');
  const auto all = all_gather_text(group(), mine);
  ASSERT_EQ(all.size(), static_cast<size_t>(group().size()));
  for (size_t rank = 0; rank < all.size(); ++rank) EXPECT_EQ(all[rank], std::string(rank, 'x'));
}

// All leave together() alike, also where one failed, and can go on with the next call.
TEST(Ranks, AnErrorOfOneIsAnErrorOfAll) {
  for (int failing = 0; failing < group().size(); ++failing) {
    try {
      together(group(), [&] {
        if (group().rank() == failing) throw Error("this one", ExitCode::kDiverged);
      });
      ADD_FAILURE() << "expected AgreedError";
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.code(), ExitCode::kDiverged);
    }
  }
  std::vector<double> values{own()};
  group().all_reduce_sum(values);
  EXPECT_EQ(values[0], sum_of_all());
}

TEST(Ranks, TheHighestCodeCounts) {
  try {
    together(group(),
             [] { throw Error("mine", group().rank() == 0 ? ExitCode::kDiverged : ExitCode::kError); });
    ADD_FAILURE() << "expected AgreedError";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kDiverged);
  }
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_rank_tests(argc, argv);
}
