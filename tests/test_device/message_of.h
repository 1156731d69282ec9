// The message of LibTorch's error in a call, for tests.
#pragma once

#include <c10/util/Exception.h>

#include <string>

namespace charrnn {

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const c10::Error& e) {
    return e.what_without_backtrace();
  }
  return "no error";
}

}  // namespace charrnn
