#include "charrnn/core/stop_token.h"

#include <gtest/gtest.h>

#include <csignal>

#include "charrnn/core/stop_signal.h"

namespace charrnn {
namespace {

TEST(StopToken, WithoutASourceItNeverAsks) {
  const StopToken token;
  EXPECT_FALSE(token.stop_requested());
  EXPECT_EQ(token.signal(), 0);
}

TEST(StopToken, EveryCopyLearnsOfARequest) {
  StopSource source;
  const StopToken token = source.token();
  const StopToken copy = token;
  StopSource other;
  EXPECT_FALSE(copy.stop_requested());
  source.request_stop();
  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(copy.stop_requested());
  EXPECT_FALSE(other.token().stop_requested());
  EXPECT_EQ(token.signal(), 0);
  EXPECT_EQ(token.reason(), "request");
}

TEST(StopToken, ASignalHasItsName) {
  StopSource source;
  source.request_stop(SIGUSR1);
  EXPECT_EQ(source.token().signal(), SIGUSR1);
  EXPECT_EQ(source.token().reason(), "SIGUSR1");
}

TEST(StopSignal, TheHandlersRequestAStop) {
  const StopToken token = install_stop_handlers();
  EXPECT_FALSE(token.stop_requested());
  std::raise(SIGTERM);
  EXPECT_EQ(token.signal(), SIGTERM);
  std::raise(SIGINT);
  EXPECT_EQ(token.reason(), "SIGINT");  // the last one
}

}  // namespace
}  // namespace charrnn
