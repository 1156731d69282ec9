// Settings as nested Python dicts.
#pragma once

#include <pybind11/pybind11.h>

#include "charrnn/config/settings.h"

namespace charrnn::python {

// {"train": {"batch_size": 32, "optimizer": {...}, ...}, ...}: numbers, booleans and texts as such, a range
// or list as a list, an optional setting without a value as the word that a config has for it ("auto",
// "none").
pybind11::dict to_dict(const Settings& settings);

}  // namespace charrnn::python
