// Long work that Ctrl-C ends.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <future>
#include <utility>

#include "charrnn/core/stop_token.h"

namespace charrnn::python {

// work(StopToken) on a thread without the GIL, and its result. Meanwhile this thread looks for signals, as
// only Python's main thread may: a handler that raises, as that of Ctrl-C does, stops the work, and what it
// raised is thrown.
template <class Work>
auto interruptible(Work&& work) {
  constexpr std::chrono::milliseconds between_looks(50);
  StopSource source;
  const pybind11::gil_scoped_release no_gil;
  auto result = std::async(std::launch::async, std::forward<Work>(work), source.token());
  while (result.wait_for(between_looks) != std::future_status::ready) {
    const pybind11::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() == 0) continue;
    pybind11::error_already_set raised;
    source.request_stop();
    {
      const pybind11::gil_scoped_release while_it_ends;
      result.wait();
    }
    throw raised;
  }
  return result.get();
}

}  // namespace charrnn::python
