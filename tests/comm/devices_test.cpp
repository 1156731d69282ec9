#include "charrnn/comm/place/devices.h"

#include <gmock/gmock.h>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

RankDevices sees(const std::string& host, const std::vector<std::string>& uuids,
                 DeviceName device = DeviceName::kAuto) {
  RankDevices rank{.host = host, .device = device, .backend = Backend::kAuto, .gpus = {}};
  for (const std::string& uuid : uuids) rank.gpus.gpus.push_back({uuid, "H100", 9, 0});
  return rank;
}

RankDevices without_gpu(const std::string& host, DeviceName device = DeviceName::kAuto) {
  return {.host = host, .device = device, .backend = Backend::kAuto, .gpus = {{}, "no NVIDIA driver"}};
}

// The message of the usage error that choosing gives.
std::string refusal(const std::vector<RankDevices>& ranks) {
  try {
    choose_devices(ranks);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.what();
  }
  return "no error";
}

TEST(ChooseDevices, RanksThatSeeTheSameGpusTakeThemInTurn) {
  const std::vector<std::string> on_a{"GPU-a0", "GPU-a1", "GPU-a2"};
  const std::vector<std::string> on_b{"GPU-b0", "GPU-b1"};
  const auto devices = choose_devices({sees("a", on_a), sees("b", on_b), sees("a", on_a), sees("b", on_b)});
  ASSERT_EQ(devices.size(), 4u);
  EXPECT_EQ(to_string(devices[0]), "cuda:0 (H100, GPU-a0)");
  EXPECT_EQ(to_string(devices[1]), "cuda:0 (H100, GPU-b0)");
  EXPECT_EQ(to_string(devices[2]), "cuda:1 (H100, GPU-a1)");
  EXPECT_EQ(to_string(devices[3]), "cuda:1 (H100, GPU-b1)");
}

TEST(ChooseDevices, ARankThatSeesOneOfItsOwnTakesIt) {
  const auto devices = choose_devices({sees("a", {"GPU-a0"}), sees("a", {"GPU-a1"})});
  EXPECT_EQ(to_string(devices[0]), "cuda:0 (H100, GPU-a0)");
  EXPECT_EQ(to_string(devices[1]), "cuda:0 (H100, GPU-a1)");
}

TEST(ChooseDevices, TwoRanksOnOneGpuAreRefusedByName) {
  const std::vector<std::string> gpus{"GPU-a0", "GPU-a1"};
  EXPECT_THAT(refusal({sees("a", gpus), sees("a", gpus), sees("a", gpus)}),
              AllOf(HasSubstr("ranks 0 and 2 of a"), HasSubstr("GPU-a0")));
  // Different lists that overlap.
  EXPECT_THAT(refusal({sees("a", {"GPU-a1"}), sees("a", {"GPU-a1", "GPU-a0"})}),
              AllOf(HasSubstr("ranks 0 and 1 of a"), HasSubstr("GPU-a1")));
}

TEST(ChooseDevices, TwoRanksShareAGpuIfAllMay) {
  std::vector<RankDevices> ranks{sees("a", {"GPU-a0"}), sees("a", {"GPU-a0"}), sees("b", {"GPU-b0"})};
  ranks[0].may_share = ranks[1].may_share = true;
  EXPECT_THAT(refusal(ranks), HasSubstr("ranks 0 and 1 of a"));
  ranks[2].may_share = true;
  const auto devices = choose_devices(ranks);
  for (const size_t rank : {0, 1}) {
    EXPECT_EQ(to_string(devices[rank]), "cuda:0 (H100, GPU-a0, shared by ranks: CHARRNN_SHARE_GPU)");
  }
  EXPECT_EQ(to_string(devices[2]), "cuda:0 (H100, GPU-b0)");
}

TEST(Devices, AreAlikeByKind) {
  const auto of = [](const std::string& kind, int major, int minor) {
    return Device{.cuda = true, .index = 0, .gpu = {"GPU-" + kind, kind, major, minor}};
  };
  EXPECT_TRUE(are_alike({Device(), Device()}));
  EXPECT_TRUE(are_alike({of("H100", 9, 0), of("H100", 9, 0)}));
  EXPECT_FALSE(are_alike({of("H100", 9, 0), of("H200", 9, 0)}));
  EXPECT_FALSE(are_alike({of("A2", 8, 0), of("A2", 8, 6)}));
  EXPECT_FALSE(has_tf32(Device()));
  EXPECT_FALSE(has_tf32(of("T4", 7, 5)));
  EXPECT_TRUE(has_tf32(of("A100", 8, 0)));
  EXPECT_TRUE(has_tf32(of("H100", 9, 0)));
}

TEST(ChooseDevices, AMixtureIsRefusedWithATable) {
  EXPECT_THAT(refusal({sees("a", {"GPU-a0"}), without_gpu("b")}),
              AllOf(HasSubstr("0, a: auto, auto, 1 visible"),
                    HasSubstr("1, b: auto, auto, none usable: no NVIDIA"), HasSubstr("run.device")));
  EXPECT_THAT(refusal({without_gpu("a", DeviceName::kCpu), without_gpu("a")}), HasSubstr("0, a: cpu"));
  RankDevices other = without_gpu("a");
  other.backend = Backend::kMpi;
  EXPECT_THAT(refusal({without_gpu("a"), other}), HasSubstr("1, a: auto, mpi"));
}

TEST(ChooseDevices, TheCpuServesWhereThereIsNoGpu) {
  EXPECT_FALSE(choose_devices({without_gpu("a"), without_gpu("b")})[1].cuda);
  EXPECT_FALSE(choose_devices({sees("a", {"GPU-a0"}, DeviceName::kCpu)})[0].cuda);
}

TEST(ChooseDevices, AMissingGpuIsNamedWhereOneIsWanted) {
  EXPECT_THAT(refusal({without_gpu("a", DeviceName::kCuda)}),
              AllOf(HasSubstr("run.device is cuda"), HasSubstr("no NVIDIA driver")));
}

TEST(ChooseBackend, Auto) {
  EXPECT_EQ(choose_backend(Backend::kAuto, false, 1, false), Backend::kSolo);
  EXPECT_EQ(choose_backend(Backend::kAuto, false, 1, true), Backend::kMpi);
  EXPECT_EQ(choose_backend(Backend::kAuto, false, 3, true), Backend::kMpi);
  EXPECT_EQ(choose_backend(Backend::kAuto, true, 3, true), Backend::kNccl);
  EXPECT_EQ(choose_backend(Backend::kAuto, true, 1, true), Backend::kSolo);
}

TEST(ChooseBackend, WhatCannotWorkIsRefused) {
  EXPECT_THROW(choose_backend(Backend::kSolo, false, 2, true), Error);
  EXPECT_THROW(choose_backend(Backend::kMpi, false, 1, false), Error);
  EXPECT_THROW(choose_backend(Backend::kMpi, true, 2, true), Error);
  EXPECT_THROW(choose_backend(Backend::kNccl, false, 2, true), Error);
  EXPECT_EQ(choose_backend(Backend::kNccl, true, 1, false), Backend::kNccl);
}

}  // namespace
}  // namespace charrnn
