// C++ values as numpy arrays that own them, without a copy.
#pragma once

#include <pybind11/numpy.h>

#include <memory>
#include <utility>
#include <vector>

namespace charrnn::python {

template <class T>
pybind11::array_t<T> to_array(std::vector<T> values, std::vector<pybind11::ssize_t> shape) {
  auto owned = std::make_unique<std::vector<T>>(std::move(values));
  const T* const data = owned->data();
  const pybind11::capsule owner(owned.get(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
  owned.release();
  return pybind11::array_t<T>(std::move(shape), data, owner);
}

template <class T>
pybind11::array_t<T> to_array(std::vector<T> values) {
  const auto size = static_cast<pybind11::ssize_t>(values.size());
  return to_array(std::move(values), {size});
}

}  // namespace charrnn::python
