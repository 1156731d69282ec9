#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "arrays.h"
#include "bindings.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/data/mapped_ids.h"

namespace py = pybind11;

namespace charrnn::python {
namespace {

ShardRow row_of(bool targets) {
  return targets ? ShardRow::kTargets : ShardRow::kIds;
}

// file, number of ids, bytes of an id, and where the ids, and the targets if there are any, begin in the
// file; None if they cannot be mapped.
py::tuple describe_shard(const SplitInfo& split, size_t number) {
  const ShardReader shard = open_shard(split, number);
  std::optional<uint64_t> targets;
  if (split.has_targets) targets = offset_of_ids(shard.path(), ShardRow::kTargets);
  return py::make_tuple(shard.path(), shard.info().length, shard.info().id_bytes, offset_of_ids(shard.path()),
                        targets);
}

// All ids or targets of a shard, for one that cannot be mapped.
py::array_t<uint32_t> read_shard(const SplitInfo& split, size_t number, bool targets) {
  std::vector<uint32_t> ids;
  {
    const py::gil_scoped_release no_gil;
    const ShardReader shard = open_shard(split, number);
    ids.resize(shard.info().length);
    shard.read(0, ids, row_of(targets));
  }
  return to_array(std::move(ids));
}

py::array_t<uint64_t> document_starts(const SplitInfo& split, size_t number) {
  return to_array(open_shard(split, number).document_starts());
}

}  // namespace

void bind_corpus(py::module_& module) {
  py::class_<SplitInfo>(module, "Split")
      .def_readonly("name", &SplitInfo::name)
      .def_readonly("characters", &SplitInfo::characters)
      .def_readonly("has_targets", &SplitInfo::has_targets)
      .def_property_readonly("shard_count", [](const SplitInfo& split) { return split.shards.size(); })
      .def("describe_shard", &describe_shard, py::arg("number"))
      .def("read_shard", &read_shard, py::arg("number"), py::arg("targets"))
      .def("document_starts", &document_starts, py::arg("number"));
  py::class_<CorpusFolder>(module, "CorpusFolder")
      .def_static("open", &CorpusFolder::open, py::arg("folder"), py::call_guard<py::gil_scoped_release>())
      .def("verify", &CorpusFolder::verify, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("path", &CorpusFolder::path)
      .def_property_readonly("vocabulary", &CorpusFolder::vocabulary)
      .def_property_readonly("splits", &CorpusFolder::splits)
      .def("require_split", &CorpusFolder::require_split, py::arg("name"), py::return_value_policy::copy)
      .def_property_readonly("hash", &CorpusFolder::hash);
}

}  // namespace charrnn::python
