#include "charrnn/core/exception_reason.h"

#include <gmock/gmock.h>

#include <new>
#include <stdexcept>

namespace charrnn {
namespace {

TEST(ExceptionReason, AnErrorKeepsItsMessageAndKind) {
  const Error error("out of memory, it is called", ErrorKind::kDiverged);
  EXPECT_EQ(exception_reason(error), "out of memory, it is called");
  EXPECT_EQ(error_kind_of(error), ErrorKind::kDiverged);
}

TEST(ExceptionReason, AStackIsCutOff) {
  const std::runtime_error problem("sizes differ\nException raised from f at a.cpp:3\nframe #0: g");
  EXPECT_EQ(exception_reason(problem), "sizes differ");
  EXPECT_EQ(error_kind_of(problem), ErrorKind::kFailed);
}

TEST(ExceptionReason, MemoryThatRanOutIsExplained) {
  EXPECT_THAT(exception_reason(std::bad_alloc()), testing::StartsWith("out of memory (std::bad_alloc): "));
}

}  // namespace
}  // namespace charrnn
