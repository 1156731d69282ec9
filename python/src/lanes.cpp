#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include <memory>
#include <tuple>

#include "arrays.h"
#include "bindings.h"
#include "charrnn/config/enum_names.h"
#include "charrnn/core/error.h"
#include "charrnn/data/batch_reader.h"

namespace py = pybind11;

namespace charrnn::python {
namespace {

template <class Enum>
Enum value_of(const char* setting, const std::string& name) {
  if (const auto value = enum_value<Enum>(name)) return *value;
  std::string names;
  for (const std::string_view known : names_of(Enum{})) names += concat(names.empty() ? "" : " or ", known);
  fail_usage(setting, " is '", name, "', expected ", names);
}

using Position = std::tuple<uint64_t, uint64_t, uint64_t>;  // epoch, place, done

Position to_tuple(const ReadingPosition& at) {
  return {at.epoch, at.place, at.done};
}

LaneOptions lane_options(int64_t batch_size, std::pair<int64_t, int64_t> sequence_length,
                         const std::string& sampling, bool random_offset, const std::string& reset_state,
                         uint64_t seed) {
  LaneOptions options;
  options.batch_size = batch_size;
  options.sequence_length = LengthRange(sequence_length.first, sequence_length.second);
  options.sampling = value_of<Sampling>("sampling", sampling);
  options.random_offset = random_offset;
  options.reset_state = value_of<ResetState>("reset_state", reset_state);
  options.seed = seed;
  return options;
}

// A BatchReader has a thread, which a forked process lacks: there it can neither be read from nor destroyed.
class Lanes {
 public:
  Lanes(const SplitInfo& split, const LaneOptions& options, int part, int parts, const Position& start)
      : reader_(std::make_unique<BatchReader>(
            split, options, part, parts,
            ReadingPosition{std::get<0>(start), std::get<1>(start), std::get<2>(start)})) {}
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;
  ~Lanes() {
    if (is_forked()) static_cast<void>(reader_.release());
    const py::gil_scoped_release no_gil;  // its thread may log
    reader_.reset();
  }

  // inputs (B, T), targets (B, T), and whether each of the B lanes starts from zero state.
  py::tuple next() {
    Batch batch;
    {
      const py::gil_scoped_release no_gil;
      if (is_forked()) fail_usage("these lanes were opened in another process: open them again in this one");
      batch = reader_->next();
    }
    const auto lanes = static_cast<py::ssize_t>(batch.lanes);
    const auto length = static_cast<py::ssize_t>(batch.length);
    py::array_t<bool> fresh(lanes);
    bool* const is_fresh = fresh.mutable_data();
    std::fill_n(is_fresh, lanes, batch.fresh_state);
    for (const int64_t lane : batch.fresh_lanes) is_fresh[lane] = true;
    return py::make_tuple(to_array(std::move(batch.inputs), {lanes, length}),
                          to_array(std::move(batch.targets), {lanes, length}), fresh);
  }

  Position position() const { return to_tuple(reader_->position()); }

 private:
  bool is_forked() const { return getpid() != process_; }

  pid_t process_ = getpid();
  std::unique_ptr<BatchReader> reader_;
};

}  // namespace

void bind_lanes(py::module_& module) {
  py::class_<LaneOptions>(module, "LaneOptions")
      .def(py::init(&lane_options), py::kw_only(), py::arg("batch_size"), py::arg("sequence_length"),
           py::arg("sampling"), py::arg("random_offset"), py::arg("reset_state"), py::arg("seed"));
  module.def(
      "steps_for",
      [](const SplitInfo& split, const LaneOptions& options, double epochs) {
        return reading_plan(split, options).steps_for(epochs);
      },
      py::arg("split"), py::arg("options"), py::arg("epochs"), py::call_guard<py::gil_scoped_release>());
  py::class_<Lanes>(module, "Lanes")
      .def(py::init<const SplitInfo&, const LaneOptions&, int, int, const Position&>(), py::arg("split"),
           py::arg("options"), py::arg("part"), py::arg("parts"), py::arg("start"),
           py::call_guard<py::gil_scoped_release>())
      .def("next", &Lanes::next)
      .def_property_readonly("position", &Lanes::position);
}

}  // namespace charrnn::python
