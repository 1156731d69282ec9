#include "charrnn/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/atomic_file.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

at::Tensor numbers(at::IntArrayRef sizes, at::ScalarType type) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return at::arange(1, count + 1, at::TensorOptions().dtype(type)).view(sizes);
}

SafetensorsFile some_contents() {
  SafetensorsFile contents;
  contents.metadata = {{"config", "a: \"quoted\"\nb: ünï\n"}, {"empty", ""}};
  contents.tensors["weight.float"] = numbers({2, 3, 5}, at::kFloat) / 7;
  contents.tensors["a.double"] = numbers({7}, at::kDouble) / 3;
  contents.tensors["integers"] = numbers({3, 2}, at::kLong) * -(int64_t{1} << 60);
  contents.tensors["bytes"] = numbers({3}, at::kByte) + 250;  // not a multiple of any alignment
  contents.tensors["half"] = numbers({5}, at::kHalf);
  contents.tensors["bfloat16"] = numbers({5}, at::kBFloat16);
  contents.tensors["none"] = at::empty({0, 4});
  contents.tensors["scalar"] = at::scalar_tensor(2.5);
  contents.tensors["transposed"] = numbers({4, 3}, at::kFloat).t();
  contents.tensors["odd"] = at::tensor(
      {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -0.0F, 1e-42F});
  return contents;
}

TEST(Safetensors, RoundTripOfEveryKindOfTensor) {
  const TemporaryFolder folder;
  const SafetensorsFile written = some_contents();
  write_safetensors(folder / "a.safetensors", written);
  const SafetensorsFile read = read_safetensors(folder / "a.safetensors");
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    ASSERT_TRUE(read.tensors.contains(name)) << name;
    const at::Tensor& found = read.tensors.at(name);
    EXPECT_EQ(found.scalar_type(), tensor.scalar_type()) << name;
    ASSERT_EQ(found.sizes(), tensor.sizes()) << name;
    const at::Tensor dense = tensor.contiguous();
    if (dense.numel() == 0) continue;
    EXPECT_EQ(std::memcmp(found.const_data_ptr(), dense.const_data_ptr(), dense.nbytes()), 0) << name;
  }
  for (const auto& [name, text] : written.metadata) EXPECT_EQ(read.metadata.at(name), text);
}

TEST(Safetensors, EqualContentsGiveEqualBytes) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", some_contents());
  write_safetensors(folder / "b", some_contents());
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

// The layout in the description of the format: https://huggingface.co/docs/safetensors
TEST(Safetensors, LayoutIsTheFormats) {
  const TemporaryFolder folder;
  SafetensorsFile contents;
  contents.tensors["b"] = at::tensor({1.0F, -2.0F});
  contents.tensors["a"] = numbers({3}, at::kByte);
  write_safetensors(folder / "a", contents);
  const std::string bytes = read_file(folder / "a");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  EXPECT_EQ((8 + header_bytes) % 8, 0u);
  ASSERT_EQ(bytes.size(), 8 + header_bytes + 3 + 8);
  const auto header = nlohmann::json::parse(bytes.substr(8, header_bytes));
  EXPECT_EQ(header.at("a"),
            nlohmann::json::parse(R"({"dtype": "U8", "shape": [3], "data_offsets": [0, 3]})"));
  EXPECT_EQ(header.at("b"),
            nlohmann::json::parse(R"({"dtype": "F32", "shape": [2], "data_offsets": [3, 11]})"));
  EXPECT_TRUE(header.at("__metadata__").contains("digest"));
  EXPECT_EQ(bytes.substr(8 + header_bytes, 3), "\x01\x02\x03");
  float second = 0;
  std::memcpy(&second, bytes.data() + bytes.size() - 4, 4);
  EXPECT_EQ(second, -2.0F);
}

TEST(Safetensors, WhatCannotBeWrittenLeavesTheOldFile) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", some_contents());
  const std::string before = read_file(folder / "a");
  SafetensorsFile contents;
  contents.tensors["complex"] = at::zeros({2}, at::TensorOptions().dtype(at::kComplexFloat));
  EXPECT_THAT(error_of([&] { write_safetensors(folder / "a", contents); }), HasSubstr("cannot be saved"));
  EXPECT_EQ(read_file(folder / "a"), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1)
      << "a temporary file is left";
}

// As Python's safetensors writes it: with other blanks, and another order of the fields.
std::string rewritten(const std::string& bytes, float first) {
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  std::string header = nlohmann::json::parse(bytes.substr(8, header_bytes)).dump(1);
  const uint64_t length = header.size();
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  std::string data = bytes.substr(8 + header_bytes);
  std::memcpy(data.data(), &first, 4);
  return text + header + data;
}

TEST(Safetensors, WhatAnotherProgramChangedIsReadAndMarked) {
  const TemporaryFolder folder;
  SafetensorsFile contents;
  contents.metadata = {{"config", "x: 1"}};
  contents.tensors["a"] = at::tensor({1.0F, 2.0F, 3.0F});
  write_safetensors(folder / "a", contents);
  const std::string bytes = read_file(folder / "a");
  const SafetensorsFile same = read_safetensors(folder.write("same", rewritten(bytes, 1)));
  EXPECT_FALSE(same.is_edited) << "the digest fits";
  const SafetensorsFile edited = read_safetensors(folder.write("edited", rewritten(bytes, 7)));
  EXPECT_TRUE(edited.is_edited);
  EXPECT_TRUE(at::equal(edited.tensors.at("a"), at::tensor({7.0F, 2.0F, 3.0F})));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of([&] { read_safetensors(folder.write("nan", rewritten(bytes, nan))); }),
              HasSubstr("its tensor a holds numbers that are not finite"));
}

}  // namespace
}  // namespace charrnn
