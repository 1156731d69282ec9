#include "charrnn/core/exit_code.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "charrnn/core/tool_main.h"

namespace charrnn {
namespace {

// As README lists them: scripts and schedulers decide by these.
TEST(ExitCode, OfEachKindOfError) {
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::kStopped)), 1);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::kFailed)), 1);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::kInput)), 2);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::kDiverged)), 3);
  EXPECT_EQ(static_cast<int>(exit_code_of(ErrorKind::kLost)), 4);
}

TEST(ExitCode, OfAToolThatThrows) {
  const auto code_of = [](ErrorKind kind) {
    return run_tool([=]() -> int { throw Error("this kind", kind); });
  };
  EXPECT_EQ(code_of(ErrorKind::kStopped), 1);
  EXPECT_EQ(code_of(ErrorKind::kFailed), 1);
  EXPECT_EQ(code_of(ErrorKind::kInput), 2);
  EXPECT_EQ(code_of(ErrorKind::kDiverged), 3);
  EXPECT_EQ(code_of(ErrorKind::kLost), 4);
  EXPECT_EQ(run_tool([]() -> int { throw std::runtime_error("not one of ours"); }), 1);
  EXPECT_EQ(run_tool([] { return 0; }), 0);
}

TEST(ErrorKind, OfTheFunctionsThatThrow) {
  const auto kind_of = [](auto call) -> std::optional<ErrorKind> {
    try {
      call();
    } catch (const Error& error) {
      return error.kind();
    }
    return std::nullopt;
  };
  EXPECT_EQ(kind_of([] { fail("a"); }), ErrorKind::kFailed);
  EXPECT_EQ(kind_of([] { check(false, "a"); }), ErrorKind::kFailed);
  EXPECT_EQ(kind_of([] { fail_usage("a"); }), ErrorKind::kInput);
  EXPECT_EQ(kind_of([] { fail_stopped("a"); }), ErrorKind::kStopped);
}

}  // namespace
}  // namespace charrnn
