#include "charrnn/text/vocabulary.h"

#include <pybind11/stl.h>

#include "arrays.h"
#include "bindings.h"
#include "charrnn/config/enum_names.h"
#include "charrnn/core/error.h"

namespace py = pybind11;

namespace charrnn::python {
namespace {

UnknownCharacters unknown_characters(const std::string& name) {
  if (const auto value = enum_value<UnknownCharacters>(name)) return *value;
  fail_usage("unknown is '", name, "', expected error, unk or skip");
}

py::array_t<int64_t> encode(const Vocabulary& vocabulary, const std::string& utf8,
                            const std::string& unknown) {
  std::vector<int64_t> ids;
  {
    const py::gil_scoped_release no_gil;
    const std::vector<uint32_t> found = vocabulary.encode(utf8, unknown_characters(unknown));
    ids.assign(found.begin(), found.end());
  }
  return to_array(std::move(ids));
}

// Bytes of UTF-8, or with Unit::kByte any bytes.
py::bytes decode(const Vocabulary& vocabulary, const py::array_t<int64_t, py::array::c_style>& ids) {
  std::string text;
  {
    const int64_t* const first = ids.data();
    const py::ssize_t count = ids.size();
    const py::gil_scoped_release no_gil;
    for (py::ssize_t i = 0; i < count; ++i) {
      if (first[i] < 0 || first[i] >= static_cast<int64_t>(vocabulary.size())) {
        fail_usage("id ", first[i], " at place ", i, ": expected one from 0 to ", vocabulary.size() - 1);
      }
      text += vocabulary.decode(static_cast<uint32_t>(first[i]));
    }
  }
  return py::bytes(text);
}

std::vector<uint64_t> counts(const Vocabulary& vocabulary) {
  std::vector<uint64_t> counts;
  for (const Vocabulary::Character& character : vocabulary.characters()) counts.push_back(character.count);
  return counts;
}

}  // namespace

void bind_vocabulary(py::module_& module) {
  py::class_<Vocabulary>(module, "Vocabulary")
      .def("__len__", &Vocabulary::size)
      .def("encode", &encode, py::arg("utf8"), py::arg("unknown"))
      .def("decode", &decode, py::arg("ids"))
      .def("counts", &counts)
      .def_property_readonly("unit", [](const Vocabulary& v) { return std::string(enum_name(v.unit())); })
      .def_property_readonly("has_unknown", &Vocabulary::has_unknown)
      .def_property_readonly("hash", &Vocabulary::hash);
}

}  // namespace charrnn::python
