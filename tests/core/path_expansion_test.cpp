#include "charrnn/core/path_expansion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

class PathExpansion : public testing::Test {
 protected:
  PathExpansion() {
    setenv("HOME", "/home/me", 1);
    setenv("X_1", "there", 1);
    setenv("EMPTY", "", 1);
    unsetenv("NOTHING");
  }
  std::string problem(const std::string& path) const {
    return usage_error_of([&] { expand_path(path); });
  }
};

TEST_F(PathExpansion, AsAShellDoes) {
  EXPECT_EQ(expand_path("plain/path"), "plain/path");
  EXPECT_EQ(expand_path(""), "");
  EXPECT_EQ(expand_path("~"), "/home/me");
  EXPECT_EQ(expand_path("~/a/~"), "/home/me/a/~");
  EXPECT_EQ(expand_path("a~"), "a~");
  EXPECT_EQ(expand_path("$X_1"), "there");
  EXPECT_EQ(expand_path("/a/$X_1/b"), "/a/there/b");
  EXPECT_EQ(expand_path("/a/${X_1}b"), "/a/thereb");
  EXPECT_EQ(expand_path("$X_1$X_1"), "therethere");
  EXPECT_EQ(expand_path("$X_1-2"), "there-2");
  EXPECT_EQ(expand_path("a$"), "a$");
  EXPECT_EQ(expand_path("$1 and $/"), "$1 and $/");
  EXPECT_EQ(expand_path("$$X_1"), "$X_1");
}

TEST_F(PathExpansion, WhatCannotBeExpandedIsRefused) {
  EXPECT_THAT(problem("$NOTHING/a"), HasSubstr("NOTHING, which is not set"));
  EXPECT_THAT(problem("${EMPTY}/a"), HasSubstr("EMPTY, which is not set"));
  EXPECT_THAT(problem("~bob/a"), HasSubstr("only ~ and ~/ are expanded"));
  EXPECT_THAT(problem("${X_1"), HasSubstr("write ${NAME}"));
  EXPECT_THAT(problem("${}"), HasSubstr("write ${NAME}"));
  EXPECT_THAT(problem("${1}"), HasSubstr("write ${NAME}"));
}

}  // namespace
}  // namespace charrnn
