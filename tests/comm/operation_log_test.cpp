#include "charrnn/comm/operation_log.h"

#include <gtest/gtest.h>

#include <thread>

namespace charrnn {
namespace {

using State = Operation::State;

TEST(OperationLog, CountsFromOne) {
  OperationLog log;
  EXPECT_TRUE(log.last().empty());
  EXPECT_EQ(log.start("all_reduce_sum", 12), 1);
  EXPECT_EQ(log.start_and_await("barrier", 0), 2);
  EXPECT_EQ(log.last().size(), 2u);
  EXPECT_EQ(log[1].name, "all_reduce_sum");
  EXPECT_EQ(log[1].bytes, 12u);
  EXPECT_EQ(log[3].sequence, 0) << "not there";
}

TEST(OperationLog, UnfinishedOperationsAreKept) {
  OperationLog log;
  const int64_t control = log.start("control_sum", 8);
  for (int i = 0; i < 100; ++i) log.end(log.start("broadcast", 0));
  EXPECT_EQ(log.last().size(), 64u);
  EXPECT_EQ(log[control].name, "control_sum");
  log.await(control);
  ASSERT_TRUE(log.awaited());
  EXPECT_EQ(log.awaited()->sequence, control);
}

TEST(OperationLog, NoLongerAwaited) {
  OperationLog log;
  const int64_t sum = log.start_and_await("all_reduce_sum", 8);
  log.stop_awaiting(sum);
  EXPECT_FALSE(log.awaited());
  EXPECT_EQ(log[sum].state, State::kStarted);
}

TEST(OperationLog, KeepsTheLast64) {
  OperationLog log;
  for (int i = 1; i <= 100; ++i) log.end(log.start("operation " + std::to_string(i), 0));
  const std::vector<Operation> last = log.last();
  ASSERT_EQ(last.size(), 64u);
  EXPECT_EQ(last.front().sequence, 37);  // 100 - 63
  EXPECT_EQ(last.front().name, "operation 37");
  EXPECT_EQ(last.back().sequence, 100);
  log.end(36);  // gone: nothing happens
  EXPECT_EQ(log[36].sequence, 0);
}

TEST(OperationLog, GoesFromStartedToAwaitedToDone) {
  OperationLog log;
  const int64_t sum = log.start("all_reduce_sum", 12);
  EXPECT_EQ(log[sum].state, State::kStarted);
  EXPECT_FALSE(log.awaited());
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  log.await(sum);
  EXPECT_EQ(log[sum].state, State::kAwaited);
  EXPECT_GT(log[sum].awaited, log[sum].began);
  ASSERT_TRUE(log.awaited());
  EXPECT_EQ(log.awaited()->sequence, sum);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  log.end(sum);
  EXPECT_EQ(log[sum].state, State::kDone);
  EXPECT_GT(log[sum].ended, log[sum].awaited);
  EXPECT_FALSE(log.awaited());
}

TEST(OperationLog, AwaitedIsNotTheFirstThatWasStarted) {
  OperationLog log;
  log.start("control_sum", 8);
  const int64_t second = log.start("all_reduce_sum", 12);
  log.await(second);
  EXPECT_EQ(log.awaited()->name, "all_reduce_sum");
}

TEST(OperationLog, KnowsTheStep) {
  OperationLog log;
  log.start("before", 0);
  log.set_step(31);
  log.start("after", 0);
  EXPECT_EQ(log[1].step, 0);
  EXPECT_EQ(log[2].step, 31);
}

TEST(OperationLog, AnAwaitedOperationEndsWithItsScope) {
  OperationLog log;
  {
    const AwaitedOperation operation(log, "ncclCommAbort", 0, 5.0);
    EXPECT_EQ(operation.sequence(), 1);
    EXPECT_EQ(log.awaited()->own_limit, 5.0);
  }
  EXPECT_EQ(log[1].state, State::kDone);
}

TEST(OperationLog, IsThreadSafe) {
  OperationLog log;
  std::thread reader([&] {
    for (int i = 0; i < 1000; ++i) {
      log.awaited();
      log.last();
    }
  });
  for (int i = 0; i < 1000; ++i) AwaitedOperation(log, "all_reduce_sum", 12);
  reader.join();
  EXPECT_EQ(log.last().back().sequence, 1000);
}

}  // namespace
}  // namespace charrnn
