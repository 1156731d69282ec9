#include "charrnn/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace charrnn {
namespace {

TEST(Log, AProgramMayTakeTheMessages) {
  std::vector<std::pair<log::Level, std::string>> taken;
  log::set_output([&](log::Level level, const std::string& message) { taken.emplace_back(level, message); });
  log::info("one");
  log::warning("two {}");  // no format
  log::error("three");
  log::set_output({});
  testing::internal::CaptureStderr();
  log::warning("four");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: four\n");
  EXPECT_THAT(taken, testing::ElementsAre(std::pair(log::Level::kInfo, "one"),
                                          std::pair(log::Level::kWarning, "two {}"),
                                          std::pair(log::Level::kError, "three")));
}

}  // namespace
}  // namespace charrnn
