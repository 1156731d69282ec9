// Files that are not safetensors, or damaged: always an Error with the reason, never a crash or wrong
// numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/checkpoint/safetensors.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/hash.h"

namespace charrnn {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

std::string length_prefix(uint64_t length) {
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  return text;
}

class Hostile : public testing::Test {
 protected:
  std::string error(std::string_view bytes) const {
    const auto file = folder_.write("hostile.safetensors", bytes);
    return error_of([&] { read_safetensors(file); });
  }

  // With a given header and the right digest, so that only the faults of the header itself remain.
  std::string error_of_header(json header, const std::string& data) const {
    Hasher hasher;
    hasher.add(header.dump());
    hasher.add(data);
    header["__metadata__"]["digest"] = hasher.hex();
    const std::string text = header.dump();
    return error(length_prefix(text.size()) + text + data);
  }

  // One tensor with these fields and eight bytes of data.
  std::string error_of_entry(const std::string& fields) const {
    return error_of_header({{"__metadata__", json::object()}, {"a", json::parse(fields)}}, "12345678");
  }

  std::string good() const {
    SafetensorsFile contents;
    contents.metadata = {{"config", "x: 1"}};
    contents.tensors["a"] = at::tensor({1.0F, 2.0F, 3.0F});
    contents.tensors["b"] = at::tensor({4.0F, 5.0F});
    write_safetensors(folder_ / "good.safetensors", contents);
    return read_file(folder_ / "good.safetensors");
  }

  TemporaryFolder folder_;
};

TEST_F(Hostile, EveryLengthThatIsTooShort) {
  const std::string bytes = good();
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(error(bytes.substr(0, length)), AllOf(HasSubstr("hostile.safetensors"), HasSubstr("damaged")))
        << length;
  }
}

TEST_F(Hostile, MoreThanWasWritten) {
  EXPECT_THAT(error(good() + "x"), HasSubstr("1 bytes at its end belong to no tensor"));
}

TEST_F(Hostile, EveryFlippedBit) {
  const std::string bytes = good();
  for (size_t place = 0; place < bytes.size(); ++place) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[place] = static_cast<char>(flipped[place] ^ (1 << bit));
      EXPECT_THAT(error(flipped), HasSubstr("damaged")) << "byte " << place << ", bit " << bit;
    }
  }
}

TEST_F(Hostile, HeaderLengths) {
  const std::string header = "{\"__metadata__\":{}}";
  for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{20}, uint64_t{99'999'999},
                                uint64_t{1} << 62, uint64_t{1} << 63, ~uint64_t{0} - 7, ~uint64_t{0}}) {
    EXPECT_THAT(error(length_prefix(length) + header), HasSubstr("does not fit")) << length;
  }
  EXPECT_THAT(error(length_prefix(header.size()) + header), HasSubstr("no digest"));
}

TEST_F(Hostile, HeadersThatAreNoHeaders) {
  for (const std::string text :
       {"[]", "{}x", "null", "{\"a\":1}", "{\"a\":[]}", "{\"a\":{}}", "{\"__metadata__\":1}",
        "{\"__metadata__\":{\"x\":1}}", "{\"a\":\"\xff\"}", "{\"a\":null}", "        "}) {
    EXPECT_THAT(error(length_prefix(text.size()) + text), HasSubstr("damaged")) << text;
  }
  // Deep nesting must not overflow the stack.
  const std::string deep = "{\"a\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  EXPECT_THAT(error(length_prefix(deep.size()) + deep), HasSubstr("damaged"));
  const std::string deep_field =
      "{\"__metadata__\":{\"digest\":\"\"},\"a\":{\"dtype\":\"F32\",\"shape\":[0],"
      "\"data_offsets\":[0,0],\"more\":" +
      std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}}";
  EXPECT_THAT(error(length_prefix(deep_field.size()) + deep_field), HasSubstr("damaged"));
}

TEST_F(Hostile, EntriesThatAreFalse) {
  ASSERT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]})"),
              HasSubstr("shape and data_offsets do not agree"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [3], "data_offsets": [0, 12]})"),
              HasSubstr("outside"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [2], "data_offsets": [8, 0]})"),
              HasSubstr("outside"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [1], "data_offsets": [4, 8]})"),
              HasSubstr("begins at byte 4, expected 0"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})"),
              HasSubstr("no tensor"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "C64", "shape": [1], "data_offsets": [0, 8]})"), HasSubstr("C64"));
  EXPECT_THAT(error_of_entry(R"({"dtype": 3, "shape": [1], "data_offsets": [0, 8]})"), HasSubstr("damaged"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]})"),
              HasSubstr("whole numbers"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": ["2"], "data_offsets": [0, 8]})"),
              HasSubstr("whole numbers"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [2], "data_offsets": [0]})"),
              HasSubstr("two whole"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8.0]})"),
              HasSubstr("two whole"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [2]})"), HasSubstr("data_offsets"));
  EXPECT_THAT(error_of_entry(R"({"shape": [2], "data_offsets": [0, 8]})"), HasSubstr("dtype"));
}

TEST_F(Hostile, ShapesWhoseProductOverflows) {
  // 2^62 x 4 bytes is 2^64; 2^32 x 2^32 too; 2^63 has no sign left.
  EXPECT_THAT(error_of_entry(R"({"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 0]})"),
              HasSubstr("larger than memory"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "U8", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]})"),
              HasSubstr("larger than memory"));
  EXPECT_THAT(error_of_entry(R"({"dtype": "U8", "shape": [9223372036854775808], "data_offsets": [0, 0]})"),
              HasSubstr("larger than memory"));
  // No elements, but still not a valid shape.
  EXPECT_THAT(
      error_of_entry(
          R"({"dtype": "F32", "shape": [0, 4611686018427387904, 4611686018427387904], "data_offsets": [0, 0]})"),
      HasSubstr("larger than memory"));
}

TEST_F(Hostile, OverlapsAndHoles) {
  const auto two = [&](uint64_t a_begin, uint64_t a_end, uint64_t b_begin, uint64_t b_end) {
    const auto entry = [](uint64_t begin, uint64_t end) {
      return json{{"dtype", "U8"}, {"shape", {end - begin}}, {"data_offsets", {begin, end}}};
    };
    return error_of_header(
        {{"__metadata__", json::object()}, {"a", entry(a_begin, a_end)}, {"b", entry(b_begin, b_end)}},
        "12345678");
  };
  EXPECT_THAT(two(0, 4, 0, 8), HasSubstr("overlaps"));
  EXPECT_THAT(two(0, 5, 4, 8), HasSubstr("begins at byte 4, expected 5"));
  EXPECT_THAT(two(0, 3, 4, 8), HasSubstr("begins at byte 4, expected 3"));
  EXPECT_THAT(two(0, 3, 3, 7), HasSubstr("1 bytes at its end"));
}

TEST_F(Hostile, NoDigestOrAnother) {
  const std::string header =
      R"({"__metadata__":{"digest":"00"},"a":{"data_offsets":[0,2],"dtype":"U8","shape":[2]}})";
  EXPECT_THAT(error(length_prefix(header.size()) + header + "12"), HasSubstr("its digest is"));
  const std::string none = R"({"a":{"data_offsets":[0,2],"dtype":"U8","shape":[2]}})";
  EXPECT_THAT(error(length_prefix(none.size()) + none + "12"), HasSubstr("no digest"));
  const std::string of_python = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_THAT(error(length_prefix(of_python.size()) + of_python + "12"),
              HasSubstr("save_file(tensors, file, metadata=...)"));
}

TEST_F(Hostile, FilesThatCannotBeRead) {
  EXPECT_THAT(error_of([&] { read_safetensors(folder_ / "nowhere"); }), HasSubstr("cannot be read"));
  EXPECT_THAT(error_of([&] { read_safetensors(folder_.path()); }), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace charrnn
