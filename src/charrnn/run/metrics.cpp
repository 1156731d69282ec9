#include "charrnn/run/metrics.h"

#include <nlohmann/json.hpp>

namespace charrnn {
namespace {

using nlohmann::ordered_json;

ordered_json line_of(const char* kind, const RunMoment& moment) {
  return {{"kind", kind},
          {"step", moment.step},
          {"epoch", moment.epoch},
          {"characters", moment.characters},
          {"seconds", moment.seconds}};
}

// JSON has neither infinity nor NaN: they become null.
void add_loss(ordered_json& line, const Loss& loss) {
  line["loss_nats"] = loss.nats();
  line["perplexity"] = loss.perplexity();
  line[bits_key(loss.unit)] = loss.bits();
}

// Bytes that are not UTF-8 (a model of bytes) become U+FFFD.
std::string dumped(const ordered_json& line) {
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string train_json(const RunMoment& moment, const TrainLine& line) {
  ordered_json json = line_of("train", moment);
  add_loss(json, line.loss);
  json["learning_rate"] = line.learning_rate;
  json["gradient_norm"] = line.gradient_norm;
  json["characters_per_second"] = line.characters_per_second;
  json["skipped_steps"] = line.skipped_steps;
  json["spikes"] = line.spikes;
  json["work_seconds_mean"] = line.work.mean;
  json["work_seconds_longest"] = line.work.longest;
  json["slowest_rank"] = line.work.slowest_rank;
  return dumped(json);
}

std::string valid_json(const RunMoment& moment, const Loss& loss, const std::string& split) {
  ordered_json json = line_of("valid", moment);
  json["split"] = split;
  add_loss(json, loss);
  json["unknown_share"] = loss.unknown_share();
  return dumped(json);
}

std::string sample_json(const RunMoment& moment, const std::string& prefix, double temperature,
                        const std::string& text) {
  ordered_json json = line_of("sample", moment);
  json["prefix"] = prefix;
  json["temperature"] = temperature;
  json["text"] = text;
  return dumped(json);
}

std::string checkpoint_json(const RunMoment& moment, const std::string& file, bool is_best) {
  ordered_json json = line_of("checkpoint", moment);
  json["file"] = file;
  json["best"] = is_best;
  return dumped(json);
}

std::string event_json(const RunMoment& moment, const std::string& text) {
  ordered_json json = line_of("event", moment);
  json["text"] = text;
  return dumped(json);
}

}  // namespace charrnn
