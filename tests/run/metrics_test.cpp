#include "charrnn/run/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "charrnn/run/status_line.h"

namespace charrnn {
namespace {

using nlohmann::json;
using testing::HasSubstr;

RunMoment some_moment() {
  return {.step = 50, .epoch = 0.25, .characters = 102400, .seconds = 1.5};
}

// 30 ln 2 nats on 10 targets: 3 bits, perplexity 8.
const Loss kLoss{30 * std::numbers::ln2, 10};

void expect_common(const json& line, const std::string& kind) {
  EXPECT_EQ(line.at("kind"), kind);
  EXPECT_EQ(line.at("step"), 50);
  EXPECT_EQ(line.at("epoch"), 0.25);
  EXPECT_EQ(line.at("characters"), 102400);
  EXPECT_EQ(line.at("seconds"), 1.5);
}

void expect_loss(const json& line) {
  EXPECT_DOUBLE_EQ(line.at("loss_nats").get<double>(), 3 * std::numbers::ln2);
  EXPECT_NEAR(line.at("perplexity").get<double>(), 8, 1e-12);
  EXPECT_NEAR(line.at("bits_per_character").get<double>(), 3, 1e-12);
}

json parsed(const std::string& line) {
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line";
  return json::parse(line);
}

TEST(Metrics, LinesHaveTheDocumentedKeys) {
  const RunMoment moment = some_moment();
  const json train = parsed(train_json(moment, {kLoss, 0.002, 0.75, 20000}));
  expect_common(train, "train");
  expect_loss(train);
  EXPECT_EQ(train.at("learning_rate"), 0.002);
  EXPECT_EQ(train.at("gradient_norm"), 0.75);
  EXPECT_EQ(train.at("characters_per_second"), 20000);

  const json valid = parsed(valid_json(moment, kLoss, "valid"));
  expect_common(valid, "valid");
  expect_loss(valid);
  EXPECT_EQ(valid.at("split"), "valid");

  const json sample = parsed(sample_json(moment, "The\n", 0.5, "\"é\"\\\n"));
  expect_common(sample, "sample");
  EXPECT_EQ(sample.at("prefix"), "The\n");
  EXPECT_EQ(sample.at("temperature"), 0.5);
  EXPECT_EQ(sample.at("text"), "\"é\"\\\n");

  const json checkpoint = parsed(checkpoint_json(moment, "step-000000050.safetensors", true));
  expect_common(checkpoint, "checkpoint");
  EXPECT_EQ(checkpoint.at("file"), "step-000000050.safetensors");
  EXPECT_EQ(checkpoint.at("best"), true);

  const json event = parsed(event_json(moment, "stopped"));
  expect_common(event, "event");
  EXPECT_EQ(event.at("text"), "stopped");
}

TEST(Metrics, LinesAreJsonWhateverIsInThem) {
  EXPECT_EQ(parsed(sample_json(some_moment(), "", 1, "a\xff\xc3")).at("text"), "a\ufffd\ufffd");
  const json line = parsed(train_json(some_moment(), {{std::nan(""), 1}, 0, std::nan(""), 0}));
  EXPECT_TRUE(line.at("loss_nats").is_null());
  EXPECT_TRUE(line.at("gradient_norm").is_null());
}

TEST(Metrics, StatusLineShowsEveryMeasureSideBySide) {
  const std::string line =
      status_lines(some_moment(), {kLoss, 0.002, 0.75, 20000.4}, 3400, {4.771, 3.549}, 83).front();
  for (const char* part : {"step 50/3,400", "epoch 0.25", "loss 2.079 nats", "ppl 8.00", "3.000 bits/char",
                           "unigram 4.77", "bigram 3.55", "20,000 char/s", "1:23 left"}) {
    EXPECT_THAT(line, HasSubstr(part));
  }
}

}  // namespace
}  // namespace charrnn
