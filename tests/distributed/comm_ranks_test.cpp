// What every Communicator promises; run as a group of one (solo) and under mpirun with 2 and 3 ranks (mpi,
// nccl), on the CPU and on GPUs, or without a GPU on those of tests/cuda_stand_in.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "charrnn/comm/agreement.h"
#include "charrnn/comm/text_exchange.h"
#include "charrnn/core/host_name.h"
#include "comm_rank_main.h"
#include "test_device.h"

namespace charrnn {
namespace {

// Rank r contributes 2^r, so a sum other than 2^W - 1 shows which rank is missing.
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

// Longer than one piece of the MPI backend (2 MiB), and not a multiple of it.
constexpr size_t kLong = 3 * (size_t{2} << 20) / sizeof(float) + 11;

// The number of elements that are not `value`: gmock's Each is slow for millions of them.
template <class T>
size_t others_than(T value, const std::vector<T>& values) {
  return values.size() - static_cast<size_t>(std::count(values.begin(), values.end(), value));
}

// With the device that the group works on; idle when a test ends.
class DeviceRanks : public testing::Test {
 protected:
  void sum(DeviceArray<float>& values) { group().all_reduce_sum(values.span(), device_->stream()); }

  const std::unique_ptr<TestDevice> device_ = make_test_device(on_gpus());
};

TEST(Ranks, RankSizeAndBackend) {
  EXPECT_GE(group().rank(), 0);
  EXPECT_LT(group().rank(), group().size());
  EXPECT_EQ(group().local_rank(), group().rank());  // all on this host
  EXPECT_EQ(group().local_size(), group().size());
  if (group().size() > 1) {
    EXPECT_THAT(group().backend(), testing::AnyOf("mpi", "nccl"));
  }
  for (int rank = 0; rank < group().size(); ++rank) EXPECT_EQ(group().host_of(rank), host_name());
}

TEST(Ranks, SumOfDoubles) {
  std::vector<double> values{own(), -own(), 0.5};
  group().all_reduce_sum(values);
  EXPECT_THAT(values, testing::ElementsAre(sum_of_all(), -sum_of_all(), 0.5 * group().size()));
}

TEST_F(DeviceRanks, SumOfALongBuffer) {
  std::vector<float> values(kLong);
  for (size_t i = 0; i < kLong; ++i) values[i] = static_cast<float>(own()) * static_cast<float>(i % 1000);
  DeviceArray<float> array(*device_, values);
  sum(array);
  values = array.values();
  for (size_t i = 0; i < kLong; ++i) {
    ASSERT_EQ(values[i], static_cast<float>(sum_of_all()) * static_cast<float>(i % 1000)) << i;
  }
}

TEST_F(DeviceRanks, SumOfNothing) {
  group().all_reduce_sum(std::span<float>(), device_->stream());
  group().start_sum(HalfSpan{}, device_->stream());
  group().finish_sums(device_->stream());
  group().wait(device_->stream());
  group().all_reduce_sum(std::span<double>());
}

// Numbers whose sum depends on the order of addition, which must be the same on all ranks and each time.
TEST_F(DeviceRanks, SumsAreEqualOnAllRanksAndRepeatable) {
  std::vector<float> first;
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::vector<float> values(kLong);
    for (size_t i = 0; i < kLong; ++i) {
      values[i] = std::sin(static_cast<float>(i)) * std::ldexp(1.0f, 8 * group().rank());
    }
    DeviceArray<float> array(*device_, values);
    sum(array);
    values = array.values();
    if (repeat == 0) first = values;
    ASSERT_EQ(std::memcmp(first.data(), values.data(), kLong * sizeof(float)), 0) << "repeat " << repeat;
  }
  DeviceArray<float> of_rank_0(*device_, first);
  group().broadcast(of_rank_0.span(), 0, device_->stream());
  EXPECT_EQ(std::memcmp(first.data(), of_rank_0.values().data(), kLong * sizeof(float)), 0);
}

// The values are late on each rank's stream, on one rank later than on the others, and are read on it after
// the sum.
TEST_F(DeviceRanks, ASumRunsAfterEarlierAndBeforeLaterWorkOfTheStream) {
  for (int late = 0; late < group().size(); ++late) {
    DeviceArray<float> values(*device_, std::vector<float>(kLong, -1000.0f));
    values.fill_later(-2000.0f);
    if (group().rank() == late) values.fill_later(-3000.0f);
    values.fill_later(static_cast<float>(own()));
    sum(values);
    EXPECT_EQ(values.values().back(), static_cast<float>(sum_of_all())) << "rank " << late << " is late";
    EXPECT_EQ(values.values().front(), static_cast<float>(sum_of_all()));
  }
}

// As with gradients: one buffer is summed while the next is computed; lengths differ, one is empty.
TEST_F(DeviceRanks, SeveralSumsRunAlongsideTheStreamsWork) {
  std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
  for (const size_t length : {kLong, size_t{1}, size_t{0}, kLong / 7, size_t{1000}}) {
    arrays.push_back(std::make_unique<DeviceArray<float>>(*device_, std::vector<float>(length, -1000.0f)));
  }
  for (int repeat = 1; repeat <= 3; ++repeat) {
    for (size_t i = 0; i < arrays.size(); ++i) {
      arrays[i]->fill_later(static_cast<float>(own()) * static_cast<float>(i + 1));
      group().start_sum(arrays[i]->span(), device_->stream());
    }
    group().finish_sums(device_->stream());
    for (size_t i = 0; i < arrays.size(); ++i) {
      const std::vector<float> values = arrays[i]->values();
      EXPECT_EQ(others_than(static_cast<float>(sum_of_all()) * static_cast<float>(i + 1), values), 0u)
          << "buffer " << i << ", repeat " << repeat;
    }
    if (repeat == 2) group().wait(device_->stream());
  }
}

// As in a trainer that rarely reads its losses: gradients and a norm, step after step, without a wait
// between.
TEST_F(DeviceRanks, StepsAreQueuedWithoutAWait) {
  constexpr int steps = 12;
  DeviceArray<float> gradients(*device_, std::vector<float>(kLong, 0.0f));
  DeviceArray<float> norm(*device_, {0.0f});
  for (int step = 1; step <= steps; ++step) {
    gradients.fill_later(static_cast<float>(own()) * static_cast<float>(step));
    sum(gradients);
    norm.fill_later(group().rank() == 0 ? static_cast<float>(step) : 0.0f);
    sum(norm);
    EXPECT_TRUE(!on_gpus() || !device_->is_idle()) << "the host waited in step " << step;
  }
  group().wait(device_->stream());
  EXPECT_TRUE(device_->is_idle());
  EXPECT_EQ(others_than(static_cast<float>(steps * sum_of_all()), gradients.values()), 0u);
  EXPECT_EQ(norm.values().front(), static_cast<float>(steps));
}

TEST_F(DeviceRanks, WaitsUntilTheStreamIsDone) {
  DeviceArray<float> values(*device_, std::vector<float>(1000, -1000.0f));
  values.fill_later(static_cast<float>(own()));
  sum(values);
  DeviceArray<float> other(*device_, std::vector<float>(1000, 0.0f));
  sum(values);
  other.fill_later(7.0f);
  group().wait(device_->stream());
  EXPECT_TRUE(device_->is_idle());
  group().wait(device_->stream());  // nothing is left to wait for
}

// A bf16 has 8 significant bits, an fp16 11: the last three columns do not fit and are rounded to nearest,
// ties to even, in any order of the ranks (ranks 2 and above contribute 0 there).
TEST_F(DeviceRanks, SumOfHalves) {
  struct Column {
    uint16_t rank_0, rank_1, sum_of_2;
  };
  const std::vector<Column> bf16{
      {0x3f80, 0x4000, 0x4040},  // 1 + 2 = 3
      {0x3f80, 0xbf80, 0x0000},  // 1 - 1 = 0
      {0x4380, 0x3f80, 0x4380},  // 256 + 1 = 257, halfway between 256 and 258: 256
      {0x4380, 0x4040, 0x4382},  // 256 + 3 = 259, halfway between 258 and 260: 260
      {0x4380, 0x3fa0, 0x4381},  // 256 + 1.25 = 257.25: 258
  };
  const std::vector<Column> fp16{
      {0x3c00, 0x4000, 0x4200},  // 1 + 2 = 3
      {0x3c00, 0xbc00, 0x0000},  // 1 - 1 = 0
      {0x6800, 0x3c00, 0x6800},  // 2048 + 1 = 2049, halfway between 2048 and 2050: 2048
      {0x6800, 0x4200, 0x6802},  // 2048 + 3 = 2051, halfway between 2050 and 2052: 2052
      {0x7bff, 0x7bff, 0x7c00},  // 65504 + 65504: infinity
  };
  for (const auto& [columns, type] :
       {std::pair(bf16, HalfSpan::Type::kBf16), std::pair(fp16, HalfSpan::Type::kFp16)}) {
    std::vector<uint16_t> mine;
    std::vector<uint16_t> expected;
    for (const Column& column : columns) {
      mine.push_back(group().rank() == 0 ? column.rank_0 : group().rank() == 1 ? column.rank_1 : uint16_t{0});
      expected.push_back(group().size() == 1 ? column.rank_0 : column.sum_of_2);
    }
    DeviceArray<uint16_t> array(*device_, mine);
    group().start_sum(HalfSpan{array.span(), type}, device_->stream());
    group().finish_sums(device_->stream());
    EXPECT_EQ(array.values(), expected) << (type == HalfSpan::Type::kBf16 ? "bf16" : "fp16");
  }
}

TEST_F(DeviceRanks, SumOfManyHalves) {
  for (const auto type : {HalfSpan::Type::kBf16, HalfSpan::Type::kFp16}) {
    // 2^rank: the exponent begins at bit 7 (bf16) or at bit 10 (fp16).
    const int one =
        type == HalfSpan::Type::kBf16 ? 0x3f80 + (group().rank() << 7) : 0x3c00 + (group().rank() << 10);
    const uint16_t sums[2][3]{{0x3f80, 0x4040, 0x40e0}, {0x3c00, 0x4200, 0x4700}};  // 1, 3, 7
    ASSERT_LE(group().size(), 3);
    DeviceArray<uint16_t> array(*device_, std::vector<uint16_t>(2 * kLong, static_cast<uint16_t>(one)));
    group().start_sum(HalfSpan{array.span(), type}, device_->stream());
    group().finish_sums(device_->stream());
    EXPECT_EQ(
        others_than(sums[type == HalfSpan::Type::kBf16 ? 0 : 1][static_cast<size_t>(group().size() - 1)],
                    array.values()),
        0u);
  }
}

// The control message is summed while gradients are computed and summed and other calls are made.
TEST_F(DeviceRanks, AControlSumRunsAlongsideOtherCalls) {
  for (int step = 1; step <= 5; ++step) {
    const auto control = std::make_shared<std::vector<double>>(
        std::initializer_list<double>{own(), static_cast<double>(step)});
    DeviceArray<float> values(*device_, std::vector<float>(kLong, -1000.0f));
    values.fill_later(static_cast<float>(own()));
    group().set_step(step);
    if (step % 2 == 0) group().start_sum(values.span(), device_->stream());
    group().start_control_sum(control);
    if (step % 2 == 1) group().start_sum(values.span(), device_->stream());
    group().finish_sums(device_->stream());
    group().wait(device_->stream());
    if (step == 3) group().barrier();
    group().finish_control_sum();
    EXPECT_THAT(*control, testing::ElementsAre(sum_of_all(), step * group().size()));
    EXPECT_EQ(others_than(static_cast<float>(sum_of_all()), values.values()), 0u);
  }
  group().finish_control_sum();  // nothing to finish
}

TEST(Ranks, AControlSumWhoseOwnerIsGoneIsFinishedBeforeTheNext) {
  group().start_control_sum(std::make_shared<std::vector<double>>(3, 1.0));
  const auto next = std::make_shared<std::vector<double>>(1, own());
  group().start_control_sum(next);
  group().finish_control_sum();
  EXPECT_THAT(*next, testing::ElementsAre(sum_of_all()));
}

TEST(Ranks, Maximum) {
  std::vector<int64_t> values{group().rank(), -group().rank(), int64_t{1} << 60};
  group().all_reduce_max(values);
  EXPECT_THAT(values, testing::ElementsAre(group().size() - 1, 0, int64_t{1} << 60));
}

TEST_F(DeviceRanks, BroadcastFromEachRank) {
  for (int root = 0; root < group().size(); ++root) {
    std::vector<float> values(kLong, static_cast<float>(group().rank()));
    values.back() += 0.5f;
    DeviceArray<float> array(*device_, values);
    group().broadcast(array.span(), root, device_->stream());
    values = array.values();
    EXPECT_EQ(values.front(), static_cast<float>(root));
    EXPECT_EQ(values.back(), static_cast<float>(root) + 0.5f);

    auto text = bytes("from " + std::to_string(group().rank()));
    group().broadcast(text, root);
    EXPECT_EQ(text, bytes("from " + std::to_string(root)));
  }
}

TEST_F(DeviceRanks, ABroadcastRunsAfterTheStreamsWork) {
  DeviceArray<float> values(*device_, std::vector<float>(1003, -1000.0f));
  values.fill_later(static_cast<float>(own()));
  group().broadcast(values.span(), group().size() - 1, device_->stream());
  EXPECT_EQ(others_than(std::ldexp(1.0f, group().size() - 1), values.values()), 0u);
}

TEST(Ranks, GatherOfUnequalLengths) {
  // Rank r sends r pieces and a little more; rank 0 sends nothing.
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

// All ranks leave agree_on_errors() in the same way, even if one failed, and can make the next call.
TEST(Ranks, AnErrorOfOneIsAnErrorOfAll) {
  for (int failing = 0; failing < group().size(); ++failing) {
    try {
      agree_on_errors(group(), [&] {
        if (group().rank() == failing) throw Error("this one", ErrorKind::kDiverged);
      });
      ADD_FAILURE() << "expected AgreedError";
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kDiverged);
    }
  }
  std::vector<double> values{own()};
  group().all_reduce_sum(values);
  EXPECT_EQ(values[0], sum_of_all());
}

TEST(Ranks, TheHighestCodeCounts) {
  try {
    agree_on_errors(group(), [] {
      throw Error("mine", group().rank() == 0 ? ErrorKind::kDiverged : ErrorKind::kFailed);
    });
    ADD_FAILURE() << "expected AgreedError";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kDiverged);
  }
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_rank_tests(argc, argv);
}
