#include "charrnn/comm/missing_ranks.h"

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

RankAnswer waits(int64_t sequence = 45, const std::string& name = "all_reduce_sum") {
  return {.heard = true, .sequence = sequence, .operation = name, .device_came = true, .host = "here"};
}
RankAnswer waits_for_its_gpu(int64_t sequence = 45) {
  RankAnswer answer = waits(sequence, sequence == 45 ? "all_reduce_sum" : "the end of its work");
  answer.device_came = false;
  answer.host = "h3";
  return answer;
}
RankAnswer silent(const std::string& host) {
  RankAnswer answer;
  answer.host = host;
  return answer;
}

const std::string kSum = "all_reduce_sum of 4000 bytes (operation 45, step 31)";

TEST(MissingRanks, ASilentRankIsNamedWithItsHost) {
  EXPECT_THAT(loss_message(the_sum(), 600, {waits(), waits(), silent("h3")}),
              StartsWith("rank 2 (host h3) did not come to " + kSum +
                         " within comm.timeout_seconds (600 s): it was killed or stopped"));
  EXPECT_THAT(loss_message(the_sum(), {60, "comm.start_timeout_seconds"}, {waits(), silent("h3")}),
              HasSubstr("within comm.start_timeout_seconds (60 s)"));
  EXPECT_THAT(loss_message(the_sum(), 1.5, {silent("h1"), waits(), silent("h3")}),
              StartsWith("ranks 0 (host h1), 2 (host h3) did not come to " + kSum));
}

TEST(MissingRanks, AtMostEightAreNamed) {
  std::vector<RankAnswer> answers(11, silent("far"));
  answers[4] = waits();
  EXPECT_THAT(loss_message(the_sum(), 1.5, answers),
              AllOf(HasSubstr("8 (host far) and 2 more did not come"), Not(HasSubstr("9 (host far)"))));
}

TEST(MissingRanks, NoSizeWhereThereAreNoBytes) {
  Operation barrier = the_sum();
  barrier.name = "barrier";
  barrier.bytes = 0;
  EXPECT_THAT(loss_message(barrier, 1.5, {waits(45, "barrier"), silent("h3")}),
              HasSubstr("did not come to barrier (operation 45, step 31)"));
}

TEST(MissingRanks, AnotherOperationOfTheSameNumberIsOurMistake) {
  EXPECT_THAT(
      loss_message(the_sum(), 1.5, {waits(), waits(45, "barrier"), waits()}),
      AllOf(StartsWith("rank 1 (host here) did not come to " + kSum),
            HasSubstr("went to barrier (operation 45): the ranks went different ways"), HasSubstr("report")));
}

// An operation may end on one rank and not on another: no mistake of charrnn's.
TEST(MissingRanks, RanksThatAreBehindOrAhead) {
  EXPECT_THAT(loss_message(the_sum(), 1.5, {waits(), waits(43, "barrier")}),
              AllOf(StartsWith("rank 1 (host here) did not come to " + kSum),
                    HasSubstr("still waiting in barrier (operation 43)"), Not(HasSubstr("different ways"))));
  EXPECT_THAT(loss_message(the_sum(), 1.5, {waits(), waits(46, "barrier")}),
              AllOf(StartsWith(kSum + " did not end here"), HasSubstr("it did for rank 1 (host here)"),
                    HasSubstr("waiting in barrier (operation 46)"), Not(HasSubstr("different ways"))));
}

TEST(MissingRanks, AGpuThatDidNotCome) {
  const std::string gpu = "the GPU of rank 1 (host h3) did not come to " + kSum;
  EXPECT_THAT(loss_message(the_sum(), 1.5, {waits(), waits_for_its_gpu(), waits()}), StartsWith(gpu));
  EXPECT_THAT(loss_message(the_sum(), 1.5, {waits(), waits_for_its_gpu(42)}), StartsWith(gpu));
  // Its rank does not blame those that went on, and left.
  EXPECT_THAT(loss_message(the_sum(), 1.5, {waits(46, "barrier"), waits_for_its_gpu(), silent("h1")}),
              StartsWith(gpu));
}

TEST(MissingRanks, AllCame) {
  EXPECT_THAT(loss_message(the_sum(), 1.5, {waits(), waits()}),
              AllOf(StartsWith("all ranks came to " + kSum +
                               ", and it did not end within comm.timeout_seconds (1.5 s)"),
                    HasSubstr("network")));
}

TEST(MissingRanks, OneSpeaksForAll) {
  EXPECT_EQ(speaker({waits(), waits()}), 0);
  EXPECT_EQ(speaker({silent("h1"), waits(), waits()}), 1);
  EXPECT_EQ(speaker({waits(46), silent("h1"), waits(45), waits(45)}), 2) << "who waits longest";
}

}  // namespace
}  // namespace charrnn
