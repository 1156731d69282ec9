// A group of one; with more ranks the same is tested in distributed/comm_ranks_test and comm_failures_test.
#include "charrnn/comm/agreement.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "charrnn/comm/solo.h"

namespace charrnn {
namespace {

TEST(AgreeOnErrors, NothingHappensWithoutAnError) {
  int runs = 0;
  agree_on_errors(*make_solo_communicator(), [&] { ++runs; });
  EXPECT_EQ(runs, 1);
}

TEST(AgreeOnErrors, KeepsMessageAndCode) {
  testing::internal::CaptureStderr();
  try {
    agree_on_errors(*make_solo_communicator(), [] { fail_usage("no such key"); });
    ADD_FAILURE() << "expected AgreedError";
  } catch (const AgreedError& error) {
    EXPECT_STREQ(error.what(), "no such key");
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("no such key\n"));
}

TEST(AgreeOnErrors, OtherExceptionsAreErrorsToo) {
  try {
    agree_on_errors(*make_solo_communicator(), [] { throw std::out_of_range(""); });
    ADD_FAILURE() << "expected AgreedError";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
  }
}

TEST(AgreeOnErrors, InsideAnotherPrintsOnce) {
  const auto solo = make_solo_communicator();
  testing::internal::CaptureStderr();
  EXPECT_THROW(agree_on_errors(*solo, [&] { agree_on_errors(*solo, [] { fail("broken"); }); }), AgreedError);
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_EQ(printed.find("broken"), printed.rfind("broken"));
  EXPECT_THAT(printed, testing::HasSubstr("broken"));
}

}  // namespace
}  // namespace charrnn
