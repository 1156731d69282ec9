#include "charrnn/core/module.h"

#include <gmock/gmock.h>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Module, WhatIsMissingIsReported) {
  EXPECT_THAT(
      error_of([] { find_in_module("libcharrnn_not_there.so", "begin"); }),
      AllOf(HasSubstr("libcharrnn_not_there.so"), HasSubstr("in the folder lib"), HasSubstr("Build")));
  EXPECT_THAT(
      error_of([] { find_in_module("libm.so.6", "charrnn_begin"); }),
      AllOf(HasSubstr("expected charrnn_begin in libm.so.6"), HasSubstr("another version of charrnn")));
  const auto square_root = module_function<double (*)(double)>("libm.so.6", "sqrt");
  EXPECT_EQ(square_root(9), 3);
}

}  // namespace
}  // namespace charrnn
