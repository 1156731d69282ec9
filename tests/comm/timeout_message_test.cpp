#include "charrnn/comm/timeout_message.h"

#include <gmock/gmock.h>

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Operation the_sum() {
  Operation operation;
  operation.sequence = 45;
  operation.name = "all_reduce_sum";
  operation.bytes = 4000;
  operation.step = 31;
  return operation;
}

RankStatus waits(int64_t sequence = 45, const std::string& name = "all_reduce_sum") {
  return {
      .has_answered = true, .sequence = sequence, .operation = name, .device_arrived = true, .host = "here"};
}
RankStatus waits_for_its_gpu(int64_t sequence = 45) {
  RankStatus status = waits(sequence, sequence == 45 ? "all_reduce_sum" : "the end of its work");
  status.device_arrived = false;
  status.host = "h3";
  return status;
}
RankStatus silent(const std::string& host) {
  RankStatus status;
  status.host = host;
  return status;
}

const std::string kSum = "all_reduce_sum of 4000 bytes (operation 45, step 31)";

TEST(TimeoutMessage, ASilentRankIsListedWithItsHost) {
  EXPECT_THAT(timeout_message(the_sum(), 600, {waits(), waits(), silent("h3")}),
              StartsWith("rank 2 (host h3) did not reach " + kSum +
                         " within comm.timeout_seconds (600 s): it was killed or stopped"));
  EXPECT_THAT(timeout_message(the_sum(), {60, "comm.start_timeout_seconds"}, {waits(), silent("h3")}),
              HasSubstr("within comm.start_timeout_seconds (60 s)"));
  EXPECT_THAT(timeout_message(the_sum(), 1.5, {silent("h1"), waits(), silent("h3")}),
              StartsWith("ranks 0 (host h1), 2 (host h3) did not reach " + kSum));
}

TEST(TimeoutMessage, AtMostEightAreListed) {
  std::vector<RankStatus> ranks(11, silent("far"));
  ranks[4] = waits();
  EXPECT_THAT(timeout_message(the_sum(), 1.5, ranks),
              AllOf(HasSubstr("8 (host far) and 2 more did not reach"), Not(HasSubstr("9 (host far)"))));
}

TEST(TimeoutMessage, NoSizeWithoutBytes) {
  Operation barrier = the_sum();
  barrier.name = "barrier";
  barrier.bytes = 0;
  EXPECT_THAT(timeout_message(barrier, 1.5, {waits(45, "barrier"), silent("h3")}),
              HasSubstr("did not reach barrier (operation 45, step 31)"));
}

TEST(TimeoutMessage, AnotherOperationOfTheSameNumberIsABug) {
  EXPECT_THAT(
      timeout_message(the_sum(), 1.5, {waits(), waits(45, "barrier"), waits()}),
      AllOf(StartsWith("rank 1 (host here) did not reach " + kSum),
            HasSubstr("called barrier (operation 45): the ranks made different calls"), HasSubstr("report")));
}

// An operation may end on one rank and not on another: that is not a bug in charrnn.
TEST(TimeoutMessage, RanksThatAreBehindOrAhead) {
  EXPECT_THAT(timeout_message(the_sum(), 1.5, {waits(), waits(43, "barrier")}),
              AllOf(StartsWith("rank 1 (host here) did not reach " + kSum),
                    HasSubstr("still waiting in barrier (operation 43)"), Not(HasSubstr("different calls"))));
  EXPECT_THAT(
      timeout_message(the_sum(), 1.5, {waits(), waits(46, "barrier")}),
      AllOf(StartsWith(kSum + " did not end on this rank"), HasSubstr("but did on rank 1 (host here)"),
            HasSubstr("waiting in barrier (operation 46)"), Not(HasSubstr("different calls"))));
}

TEST(TimeoutMessage, AGpuThatDidNotArrive) {
  const std::string gpu = "the GPU of rank 1 (host h3) did not reach " + kSum;
  EXPECT_THAT(timeout_message(the_sum(), 1.5, {waits(), waits_for_its_gpu(), waits()}), StartsWith(gpu));
  EXPECT_THAT(timeout_message(the_sum(), 1.5, {waits(), waits_for_its_gpu(42)}), StartsWith(gpu));
  // Its rank does not blame the ranks that continued and exited.
  EXPECT_THAT(timeout_message(the_sum(), 1.5, {waits(46, "barrier"), waits_for_its_gpu(), silent("h1")}),
              StartsWith(gpu));
}

TEST(TimeoutMessage, AllArrived) {
  EXPECT_THAT(timeout_message(the_sum(), 1.5, {waits(), waits()}),
              AllOf(StartsWith("all ranks reached " + kSum +
                               ", and it did not end within comm.timeout_seconds (1.5 s)"),
                    HasSubstr("network")));
}

TEST(TimeoutMessage, OneReportsForAll) {
  EXPECT_EQ(reporting_rank({waits(), waits()}), 0);
  EXPECT_EQ(reporting_rank({silent("h1"), waits(), waits()}), 1);
  EXPECT_EQ(reporting_rank({waits(46), silent("h1"), waits(45), waits(45)}), 2)
      << "the rank that waits longest";
}

}  // namespace
}  // namespace charrnn
