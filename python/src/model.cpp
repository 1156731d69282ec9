#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <memory>
#include <optional>

#include "arrays.h"
#include "bindings.h"
#include "charrnn/config/enum_names.h"
#include "charrnn/core/error.h"
#include "charrnn/generate/trained_model.h"
#include "interruptible.h"
#include "settings_dict.h"

namespace py = pybind11;

namespace charrnn::python {
namespace {

using Ids = py::array_t<uint32_t, py::array::c_style>;

std::span<const uint32_t> span_of(const Ids& ids) {
  return {ids.data(), static_cast<size_t>(ids.size())};
}

template <class Enum>
std::optional<Enum> value_of(const char* name, const std::optional<std::string>& given) {
  if (!given) return std::nullopt;
  if (const auto value = enum_value<Enum>(*given)) return value;
  std::string names;
  for (const std::string_view known : names_of(Enum{})) names += concat(names.empty() ? "" : ", ", known);
  fail_usage(name, " is '", *given, "', expected one of ", names);
}

TrainedModel open_model(const std::filesystem::path& run, const std::optional<std::string>& weights) {
  const py::gil_scoped_release no_gil;
  return TrainedModel::open(run, {.weights = value_of<WeightsUsed>("weights", weights)});
}

// A tensor of floats on the CPU as an array that owns it.
py::array_t<float> as_array(at::Tensor tensor) {
  auto owned = std::make_unique<at::Tensor>(tensor.contiguous());
  const std::vector<py::ssize_t> shape(owned->sizes().begin(), owned->sizes().end());
  const float* const data = owned->const_data_ptr<float>();
  const py::capsule owner(owned.get(), [](void* p) { delete static_cast<at::Tensor*>(p); });
  owned.release();
  return py::array_t<float>(shape, data, owner);
}

py::array_t<float> logits(const TrainedModel& model, const Ids& ids) {
  const std::span<const uint32_t> span = span_of(ids);
  return as_array(interruptible([&](StopToken stop) { return model.logits(span, stop); }));
}

py::array_t<float> surprisal(const TrainedModel& model, const Ids& ids) {
  const std::span<const uint32_t> span = span_of(ids);
  return to_array(interruptible([&](StopToken stop) { return model.surprisal(span, stop); }));
}

// Samples number 0 .. count of the prefix, drawn side by side.
std::vector<std::string> draw(const TrainedModel& model, const std::string& prefix, ContinueOptions options,
                              int64_t count, StopToken stop) {
  const std::string clean = model.clean(prefix).text;
  const Sampler sampler = model.new_sampler();
  constexpr int64_t most = 64;  // drawing more of them together would not be faster
  std::vector<std::string> texts(static_cast<size_t>(count));
  for (int64_t first = 0; first < count; first += most) {
    std::vector<SampleStream> streams;
    for (options.number = first; options.number < std::min(first + most, count); ++options.number) {
      streams.push_back({clean, model.sample_options(clean, options)});
    }
    const auto add = [&](size_t stream, const std::string& character) {
      texts[static_cast<size_t>(first) + stream] += character;
      return true;
    };
    sampler.generate(streams, options.length.value_or(model.settings().sample.length), add, stop);
  }
  return texts;
}

// With Unit::kByte a text is any bytes, hence bytes for all.
std::vector<py::bytes> sample(const TrainedModel& model, const std::string& prefix,
                              std::optional<int64_t> length, std::optional<double> temperature, int64_t top_k,
                              double top_p, uint64_t seed, const std::optional<std::string>& unknown,
                              int64_t count) {
  ContinueOptions options;
  options.length = length;
  options.temperature = temperature;
  options.top_k = top_k;
  options.top_p = top_p;
  options.seed = seed;
  options.unknown = value_of<UnknownCharacters>("unknown", unknown);
  const std::vector<std::string> texts =
      interruptible([&](StopToken stop) { return draw(model, prefix, options, count, stop); });
  return {texts.begin(), texts.end()};
}

}  // namespace

void bind_model(py::module_& module) {
  py::class_<TrainedModel>(module, "TrainedModel")
      .def_static("open", &open_model, py::arg("run"), py::arg("weights"))
      .def_property_readonly("vocabulary", &TrainedModel::vocabulary, py::return_value_policy::copy)
      .def_property_readonly("settings", [](const TrainedModel& model) { return to_dict(model.settings()); })
      .def_property_readonly("file", &TrainedModel::file)
      .def_property_readonly("step", &TrainedModel::step)
      .def_property_readonly("has_targets", &TrainedModel::has_targets)
      .def(
          "clean",
          [](const TrainedModel& model, const std::string& text) {
            return py::bytes(model.clean(text).text);
          },
          py::arg("utf8"))
      .def("logits", &logits, py::arg("ids"))
      .def("surprisal", &surprisal, py::arg("ids"))
      .def("sample", &sample, py::arg("prefix"), py::kw_only(), py::arg("length"), py::arg("temperature"),
           py::arg("top_k"), py::arg("top_p"), py::arg("seed"), py::arg("unknown"), py::arg("count"));
}

}  // namespace charrnn::python
