// The message of the Error that a call throws; a failure when it throws none, or of another kind.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "charrnn/core/error.h"

namespace charrnn {

template <class Call>
std::string error_of(Call call, ErrorKind kind = ErrorKind::kFailed) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "expected an Error";
  return "";
}

template <class Call>
std::string usage_error_of(Call call) {
  return error_of(call, ErrorKind::kInput);
}

}  // namespace charrnn
