#include "charrnn/comm/place/rank_place.h"

#include <gtest/gtest.h>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

TEST(RankPlace, ArrivesAsItWasSent) {
  RankPlace sent;
  sent.devices = {.host = "h\xff",  // not UTF-8
                  .device = DeviceName::kCuda,
                  .backend = Backend::kNccl,
                  .gpus = {{{"GPU-1", "H100", 9, 0}, {"GPU-2", "A100", 8, 1}}, "a driver"},
                  .may_share = true};
  sent.cores = {sent.devices.host, {0, 1, 5}, {0, 1, 2, 5}, 2.5};
  const RankPlace received = rank_place_of(to_bytes(sent));
  EXPECT_EQ(received.devices.host, sent.devices.host);
  EXPECT_EQ(received.devices.device, DeviceName::kCuda);
  EXPECT_EQ(received.devices.backend, Backend::kNccl);
  EXPECT_EQ(received.devices.gpus.gpus, sent.devices.gpus.gpus);
  EXPECT_EQ(received.devices.gpus.missing, "a driver");
  EXPECT_TRUE(received.devices.may_share);
  EXPECT_EQ(received.cores.host, sent.devices.host);
  EXPECT_EQ(received.cores.cores, sent.cores.cores);
  EXPECT_EQ(received.cores.available, sent.cores.available);
  EXPECT_EQ(received.cores.quota, 2.5);
  sent.cores.quota.reset();
  EXPECT_EQ(rank_place_of(to_bytes(sent)).cores.quota, std::nullopt);
}

TEST(RankPlace, OfAnotherProgramIsRefused) {
  EXPECT_THROW(rank_place_of("h1,2,3"), Error);
}

TEST(PlaceTable, OneLinePerRankOrPerHostIfManyRanks) {
  EXPECT_EQ(place_table({{"a", {0, 1}, {0, 1, 2}}, {"b", {0}, {}, 1.5}}, {Device(), Device()}),
            "rank  host  device  cores\n"
            "0     a     cpu     0-1 (bound)\n"
            "1     b     cpu     0 (limited to 1.5 cores)\n");
  std::vector<RankCores> many(32, {"a", {0}, {}});
  many.push_back({"b", {0}, {}});
  EXPECT_EQ(place_table(many, std::vector<Device>(33)),
            "rank  host  device  cores\n"
            "0-31  a     cpu     0\n"
            "32    b     cpu     0\n");
}

}  // namespace
}  // namespace charrnn
