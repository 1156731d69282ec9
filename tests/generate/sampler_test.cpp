#include "charrnn/generate/sampler.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::HasSubstr;
using testing::Not;

Vocabulary vocabulary_of(std::u32string_view letters, bool unknown) {
  std::vector<Vocabulary::Character> characters;
  for (const char32_t letter : letters) characters.push_back({letter, 1});
  return Vocabulary::from_counts(characters, {.max_size = {}, .unknown = unknown}, Unit::kCodePoint);
}

// Larger recurrent weights than a fresh model's, so that what came before matters.
CharRnn model_for(const Vocabulary& vocabulary, at::ScalarType type = at::kFloat, Cell cell = Cell::kLstm) {
  CharRnn model({.cell = cell, .embedding_size = 5, .hidden_size = 7, .layers = 2, .output_dropout = {}},
                static_cast<int64_t>(vocabulary.size()), type);
  model.initialize(3);
  const c10::AutoGradMode no_grad(false);
  for (const auto& [name, value, offset] : model.parameters().list()) {
    if (name.starts_with("rnn.weight_hh")) value.detach().mul_(10.0);
  }
  return model;
}

class Samplers : public testing::Test {
 protected:
  // The prefix and what the model wrote.
  std::string whole(const std::string& prefix, int64_t length, const SampleOptions& options = {}) const {
    return prefix + sampler_.text(prefix, length, options);
  }

  Vocabulary vocabulary_ = vocabulary_of(U"abcdefé\n", false);
  CharRnn model_ = model_for(vocabulary_);
  Sampler sampler_{model_, vocabulary_};
};

TEST_F(Samplers, TheSameSeedGivesTheSameText) {
  const std::string text = sampler_.text("ab", 200, {.seed = 5});
  EXPECT_EQ(sampler_.text("ab", 200, {.seed = 5}), text);
  EXPECT_NE(sampler_.text("ab", 200, {.seed = 6}), text);
  EXPECT_NE(sampler_.text("abc", 200, {.seed = 5}), text);
  EXPECT_EQ(sampler_.text("ab", 50, {.seed = 5}),
            text.substr(0, sampler_.text("ab", 50, {.seed = 5}).size()));
}

TEST_F(Samplers, OneCallOfTheSinkForEachCharacter) {
  std::vector<std::string> pieces;
  sampler_.generate("a", 300, {.temperature = 2}, [&](const std::string& piece) {
    pieces.push_back(piece);
    return true;
  });
  EXPECT_EQ(pieces.size(), 300u);
  EXPECT_THAT(pieces, testing::Contains("é"));
  EXPECT_THAT(pieces, testing::Each(testing::AnyOf("a", "b", "c", "d", "e", "f", "é", "\n")));
  EXPECT_EQ(sampler_.text("a", 0, {}), "");
}

TEST_F(Samplers, GreedyGoesOnFromItsOwnWordsAsFromAPrefix) {
  const SampleOptions greedy{.temperature = 0};
  for (const std::string start : {"a", "b", "cd", "fée", "\n"}) {
    const std::string text = whole(start, 12, greedy);
    std::string grown = start;
    for (int i = 0; i < 12; ++i) grown = whole(grown, 1, greedy);
    EXPECT_EQ(grown, text);
    EXPECT_EQ(whole(start, 12, {.temperature = 1e-7, .seed = 9}), text);
  }
}

// The distribution after a prefix is that of the model after reading all of it, from zero state.
TEST_F(Samplers, ThePrefixWarmsTheStateUp) {
  const c10::AutoGradMode no_grad(false);
  const auto logits_after = [&](const std::string& text) {
    RnnState state = model_.zero_state(1);
    at::Tensor logits;
    for (const uint32_t id : vocabulary_.encode(text)) {
      const at::Tensor input =
          at::full({1, 1}, static_cast<int64_t>(id), at::TensorOptions().dtype(at::kLong));
      logits = model_.forward(input, state, std::nullopt);
    }
    return logits.flatten().contiguous();
  };
  int differing = 0;
  for (const std::string before : {"", "a", "dd", "éb\n", "fecd", "abcabc"}) {
    for (const std::string last : {"a", "b", "c", "d", "e", "f"}) {
      const at::Tensor likeliest = logits_after(before + last).argmax();
      EXPECT_EQ(sampler_.text(before + last, 1, {.temperature = 0}),
                vocabulary_.decode(static_cast<uint32_t>(likeliest.item<int64_t>())));
      differing += likeliest.item<int64_t>() != logits_after(last).argmax().item<int64_t>() ? 1 : 0;
    }
  }
  EXPECT_GT(differing, 3) << "what came before the last character makes no difference: nothing was tested";
}

// Prefixes of all lengths, the same one twice, other options and seeds.
const std::vector<SampleStream> kStreams{
    {"ab", {.seed = 5}},
    {"ab", {.seed = 6}},
    {"", {.seed = 5}},
    {"fedcba", {.temperature = 0}},
    {"é", {.temperature = 3}},
    {"cde\n", {.top_k = 2, .seed = 8}},
    {"b", {.top_p = 0.7}},
    {"ab", {.temperature = 0.3, .seed = 5}},
    {"a", {.temperature = 1e-9}},
    {"ab", {.seed = 5}},
};

TEST_F(Samplers, ATextIsTheSameAloneAndBesideOthers) {
  const std::vector<std::string> texts = sampler_.texts(kStreams, 150);
  ASSERT_EQ(texts.size(), kStreams.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(texts[i], sampler_.text(kStreams[i].prefix, 150, kStreams[i].options)) << i;
  }
  EXPECT_NE(texts[0], texts[1]);
  EXPECT_EQ(texts[0], texts.back());
  EXPECT_TRUE(sampler_.texts({}, 5).empty());
}

TEST_F(Samplers, SideBySideMeansACharacterOfEachInTurn) {
  std::vector<size_t> turns;
  const auto sink = [&](size_t stream, const std::string&) {
    turns.push_back(stream);
    return turns.size() < 5;
  };
  EXPECT_FALSE(sampler_.generate(std::span(kStreams).first(2), 100, sink));
  EXPECT_EQ(turns, (std::vector<size_t>{0, 1, 0, 1, 0}));
  EXPECT_TRUE(sampler_.generate(kStreams, 0, sink));
  EXPECT_EQ(turns.size(), 5u);
}

// Packed floats, and doubles by CharRnn::forward, which are more exact. Short texts: the large recurrent
// weights make every rounding grow from character to character.
TEST_F(Samplers, DoublesWriteTheSame) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu}) {
    const CharRnn floats = model_for(vocabulary_, at::kFloat, cell);
    const CharRnn doubles = model_for(vocabulary_, at::kDouble, cell);
    {
      const c10::AutoGradMode no_grad(false);
      doubles.parameters().values().detach().copy_(floats.parameters().values());
    }
    for (const int64_t length : {1, 12}) {
      EXPECT_EQ(Sampler(floats, vocabulary_).texts(kStreams, length),
                Sampler(doubles, vocabulary_).texts(kStreams, length))
          << enum_name(cell);
    }
  }
}

// A long prefix is read in pieces: the same state and logits, bit for bit, as if it were read at once.
TEST_F(Samplers, ALongPrefixIsReadInPieces) {
  std::string prefix;
  for (uint64_t x = 1; prefix.size() < 1300; x = x * 6364136223846793005u + 1442695040888963407u) {
    prefix += static_cast<char>('a' + (x >> 33) % 6);
  }
  std::vector<std::pair<int64_t, int64_t>> seen;
  Sampler sampler(model_, vocabulary_);
  sampler.on_progress([&](int64_t done, int64_t total) { seen.emplace_back(done, total); });
  const std::string text = sampler.text(prefix, 50, {.seed = 3});
  EXPECT_EQ(seen, (std::vector<std::pair<int64_t, int64_t>>{{512, 1300}, {1024, 1300}, {1300, 1300}}));

  const c10::AutoGradMode no_grad(false);
  const std::vector<uint32_t> ids = vocabulary_.encode(prefix);
  const at::Tensor all = at::tensor(std::vector<int64_t>(ids.begin(), ids.end())).unsqueeze(0);
  RnnState at_once = model_.zero_state(1);
  const at::Tensor expected = model_.forward(all, at_once, std::nullopt);
  RnnState in_pieces = model_.zero_state(1);
  at::Tensor last;
  for (const at::Tensor& piece : all.split(512, 1)) last = model_.forward(piece, in_pieces, std::nullopt);
  EXPECT_TRUE(at::equal(at_once.h, in_pieces.h));
  EXPECT_TRUE(at::equal(expected.select(1, -1), last.select(1, -1)));
  seen.clear();
  EXPECT_EQ(text.substr(0, 1), sampler.text(prefix, 1, {.seed = 3}));
  EXPECT_EQ(sampler.text("abc", 1, {}).size(), 1u);
  EXPECT_EQ(seen.size(), 3u);  // nothing for a short one
}

TEST_F(Samplers, AnEmptyPrefixStartsLikeANewLine) {
  EXPECT_EQ(sampler_.text("", 50, {.seed = 2}), sampler_.text("\n", 50, {.seed = 2}));
}

TEST_F(Samplers, ACharacterThatTheVocabularyLacksIsAUsageError) {
  EXPECT_THAT(usage_error_of([&] { sampler_.text("abx", 5, {}); }), HasSubstr("x"));
  EXPECT_THAT(usage_error_of([&] { sampler_.text("ab\xff", 5, {}); }), Not(testing::IsEmpty()));
}

// With aligned targets each character's own target is drawn, from all that came before it.
TEST_F(Samplers, AlignedTargetsAnswerTheText) {
  const c10::AutoGradMode no_grad(false);
  const Sampler aligned(model_, vocabulary_, true);
  const std::string text = "bcafe";
  std::string expected;
  for (size_t end = 1; end <= text.size(); ++end) {
    expected += sampler_.text(text.substr(0, end), 1, {.temperature = 0});
  }
  EXPECT_EQ(aligned.text(text, 99, {.temperature = 0}), expected);
  EXPECT_EQ(aligned.text("", 99, {}), "");
  EXPECT_EQ(aligned.text(text, 99, {.temperature = 2, .seed = 4}),
            aligned.text(text, 1, {.temperature = 2, .seed = 4}));
  const std::vector<std::string> texts = aligned.texts(kStreams, 99);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(texts[i], aligned.text(kStreams[i].prefix, 99, kStreams[i].options)) << i;
  }
}

TEST_F(Samplers, ForeignCharactersAreSkippedWhereThatIsAskedFor) {
  const SampleOptions skip{.temperature = 0, .unknown = UnknownCharacters::kSkip};
  EXPECT_EQ(sampler_.text("ax日b", 20, skip), sampler_.text("ab", 20, skip));
}

TEST_F(Samplers, AStopEndsATextAndTheReadingOfAPrefix) {
  StopSource source;
  int drawn = 0;
  const auto stop_at_third = [&](const std::string&) {
    if (++drawn == 3) source.request_stop();
    return true;
  };
  EXPECT_FALSE(sampler_.generate("ab", 50, {}, stop_at_third, source.token()));
  EXPECT_EQ(drawn, 3);
  int64_t read = 0;
  StopSource another;
  sampler_.on_progress([&](int64_t done, int64_t) {
    read = done;
    another.request_stop();
  });
  EXPECT_FALSE(sampler_.generate(std::string(5000, 'a'), 50, {}, stop_at_third, another.token()));
  EXPECT_EQ(drawn, 3);
  EXPECT_LT(read, 5000);
}

TEST_F(Samplers, SamplingLeavesTheModelAsItWas) {
  const at::Tensor before = model_.parameters().values().clone();
  sampler_.text("ab", 50, {});
  EXPECT_TRUE(at::equal(model_.parameters().values(), before));
  EXPECT_EQ(model_.parameters().gradients().count_nonzero().item<int64_t>(), 0);
  EXPECT_TRUE(c10::GradMode::is_enabled());
}

TEST(Sampler, UnknownIsNeverDrawn) {
  const Vocabulary vocabulary = vocabulary_of(U"abc", true);
  CharRnn model = model_for(vocabulary);
  {
    const c10::AutoGradMode no_grad(false);
    model.parameters()["head.bias"].detach()[0].fill_(50);  // <unk> is all but certain
  }
  const Sampler sampler(model, vocabulary);
  for (const double temperature : {0.0, 1.0, 50.0}) {
    const std::string text = sampler.text(  // x and y are <unk>
        "xay", 400, {.temperature = temperature, .unknown = UnknownCharacters::kUnk});
    EXPECT_EQ(text.size(), 400u);
    EXPECT_EQ(text.find_first_not_of("abc"), std::string::npos);
  }
  EXPECT_EQ(sampler.text("", 20, {}).size(), 20u) << "no line end in this vocabulary";
}

}  // namespace
}  // namespace charrnn
