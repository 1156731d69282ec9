#include "charrnn/data/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstring>
#include <numeric>
#include <set>
#include <thread>
#include <utility>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/corpus/shard_writer.h"
#include "charrnn/data/mapped_ids.h"
#include "charrnn/data/shard_reader.h"

// A damaged file may make HDF5 request an absurd amount of memory. malloc refuses, and so must the
// sanitizer's. Memory that HDF5 itself does not free when it refuses a file is not reported.
extern "C" const char* __asan_default_options();
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libhdf5";
}

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

ShardInfo info_of(uint64_t length, int id_bytes) {
  return {.length = length,
          .id_bytes = id_bytes,
          .vocabulary_hash = "9f31",
          .split = "valid",
          .shard = 3,
          .shard_count = 5};
}

// Ids that count upward, modulo the largest that fits.
std::vector<uint32_t> upward(uint64_t length, int id_bytes) {
  std::vector<uint32_t> ids(length);
  std::iota(ids.begin(), ids.end(), 0u);
  if (id_bytes < 4) {
    for (uint32_t& id : ids) id %= 1u << (8 * id_bytes);
  }
  return ids;
}

std::string write_shard(const fs::path& path, uint64_t length, int id_bytes, size_t block = 1000) {
  ShardWriter writer(path, info_of(length, id_bytes));
  const std::vector<uint32_t> ids = upward(length, id_bytes);
  writer.start_document();
  for (size_t i = 0; i < ids.size(); i += block) {
    if (i == block) writer.start_document();
    writer.append(std::span(ids).subspan(i, std::min(block, ids.size() - i)));
  }
  return writer.finish();
}

TEST(Shard, IdsLieInOnePieceWhereTheFileIsMapped) {
  const TemporaryFolder folder;
  for (const int id_bytes : {1, 2, 4}) {
    const fs::path path = folder / concat("shard-", id_bytes, ".h5");
    write_shard(path, 3000, id_bytes);
    const std::optional<uint64_t> offset = offset_of_ids(path);
    ASSERT_TRUE(offset);
    const size_t bytes = 3000 * static_cast<size_t>(id_bytes);
    std::vector<std::byte> expected(bytes);
    ShardReader(path).read_bytes(0, 3000, expected.data());
    const std::string file = read_file(path);
    ASSERT_LE(*offset + bytes, file.size());
    EXPECT_EQ(std::memcmp(file.data() + *offset, expected.data(), bytes), 0);
    EXPECT_THAT(error_of([&] { offset_of_ids(path, ShardRow::kTargets); }), HasSubstr("cannot find the ids"));
  }
}

// More than the writer's buffer holds, so that ids and targets take turns in the file.
TEST(Shard, TargetsAreStoredNextToTheIds) {
  const TemporaryFolder folder;
  std::set<std::string> hashes;
  for (const int changed : {-1, 0, 699999}) {
    const fs::path path = folder / ("targets" + std::to_string(changed) + ".h5");
    ShardInfo info = info_of(700000, 2);
    info.has_targets = true;
    ShardWriter writer(path, info);
    std::vector<uint32_t> ids = upward(700000, 2);
    std::vector<uint32_t> targets(ids.rbegin(), ids.rend());
    if (changed >= 0) targets[static_cast<size_t>(changed)] ^= 1;
    writer.append(std::span(ids).first(300001), std::span(targets).first(300001));
    writer.append_bytes({}, {});
    writer.append(std::span(ids).subspan(300001), std::span(targets).subspan(300001));
    const std::string hash = writer.finish();
    hashes.insert(hash);
    const ShardReader reader(path);
    EXPECT_TRUE(reader.info().has_targets);
    EXPECT_EQ(reader.content_hash(), hash);
    std::vector<uint32_t> read(700000);
    reader.read(0, read, ShardRow::kTargets);
    EXPECT_EQ(read, targets);
    reader.read(0, read);
    EXPECT_EQ(read, ids);
  }
  EXPECT_EQ(hashes.size(), 3u) << "the hash covers the targets";
}

TEST(Shard, TargetsAreAsManyAsIdsOrNone) {
  const TemporaryFolder folder;
  const std::vector<uint32_t> three{1, 2, 3};
  ShardInfo info = info_of(3, 1);
  ShardWriter without(folder / "without.h5", info);
  EXPECT_THAT(error_of([&] { without.append(three, three); }),
              HasSubstr("3 ids and 3 targets: expected no targets"));
  without.append(three);
  without.finish();
  const ShardReader reader(folder / "without.h5");
  EXPECT_FALSE(reader.info().has_targets);
  std::vector<uint32_t> read(3);
  EXPECT_THAT(error_of([&] { reader.read(0, read, ShardRow::kTargets); }),
              HasSubstr("without aligned targets"));
  info.has_targets = true;
  ShardWriter with(folder / "with.h5", info);
  EXPECT_THAT(error_of([&] { with.append(three, std::span(three).first(2)); }),
              HasSubstr("3 ids and 2 targets: expected one for each id"));
}

// Files as another program may have written them.
TEST(Shard, TargetsOfAnotherLengthOrWidthAreRefused) {
  const TemporaryFolder folder;
  for (const auto& [length, type] : {std::pair<hsize_t, hid_t>{9, H5T_STD_U8LE}, {10, H5T_STD_U16LE}}) {
    const fs::path path = folder / ("shard" + std::to_string(length) + ".h5");
    write_shard(path, 10, 1);
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &length, nullptr);
    H5Dclose(H5Dcreate2(file, "targets", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Fclose(file);
    EXPECT_THAT(error_of([&] { ShardReader{path}; }), HasSubstr("its dataset targets has"));
  }
}

TEST(Shard, IdsTakeAsFewBytesAsTheVocabularyNeeds) {
  EXPECT_EQ(id_bytes_for(1), 1);
  EXPECT_EQ(id_bytes_for(256), 1);
  EXPECT_EQ(id_bytes_for(257), 2);
  EXPECT_EQ(id_bytes_for(65536), 2);
  EXPECT_EQ(id_bytes_for(65537), 4);
}

TEST(Shard, NamesAreNumbered) {
  EXPECT_EQ(shard_file_name("train", 7), "train-00007.h5");
  EXPECT_EQ(shard_file_name("test", 123456), "test-123456.h5");
}

// 1,300,007 ids are more than the writer's buffer holds, of any width.
TEST(Shard, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  for (const int id_bytes : {1, 2, 4}) {
    const uint64_t length = 1300007;
    const fs::path path = folder / ("valid-" + std::to_string(id_bytes) + ".h5");
    const std::string hash = write_shard(path, length, id_bytes, 70001);
    const ShardReader reader(path);
    EXPECT_EQ(reader.info().length, length);
    EXPECT_EQ(reader.info().id_bytes, id_bytes);
    EXPECT_EQ(reader.info().vocabulary_hash, "9f31");
    EXPECT_EQ(reader.info().split, "valid");
    EXPECT_EQ(reader.info().shard, 3u);
    EXPECT_EQ(reader.info().shard_count, 5u);
    EXPECT_EQ(reader.content_hash(), hash);
    EXPECT_THAT(reader.document_starts(), ElementsAre(0, 70001));
    std::vector<uint32_t> ids(length);
    reader.read(0, ids);
    EXPECT_EQ(ids, upward(length, id_bytes));
  }
}

TEST(Shard, ReadsAnyPartInEitherWidth) {
  const TemporaryFolder folder;
  write_shard(folder / "a.h5", 1000, 2);
  const ShardReader reader(folder / "a.h5");
  std::vector<uint32_t> ids(3);
  reader.read(997, ids);
  EXPECT_THAT(ids, ElementsAre(997, 998, 999));
  std::vector<uint16_t> stored(2);
  reader.read_bytes(300, 2, std::as_writable_bytes(std::span(stored)).data());
  EXPECT_THAT(stored, ElementsAre(300, 301));
  reader.read_bytes(1000, 0, nullptr);
  EXPECT_THAT(error_of([&] { reader.read(998, ids); }),
              AllOf(HasSubstr("within the 1000"), HasSubstr("3 from 998")));
  EXPECT_THROW(reader.read_bytes(~uint64_t{0}, 2, nullptr), Error);
}

TEST(Shard, EqualIdsGiveEqualBytes) {
  const TemporaryFolder folder;
  const std::string hash = write_shard(folder / "a.h5", 12345, 1);
  // Time stamps, if there were any, would count in seconds.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_EQ(write_shard(folder / "b.h5", 12345, 1), hash);
  EXPECT_EQ(read_file(folder / "a.h5"), read_file(folder / "b.h5"));
}

TEST(Shard, AShardWithoutDocumentStartsIsFine) {
  const TemporaryFolder folder;
  ShardWriter writer(folder / "a.h5", info_of(2, 1));
  writer.append(std::vector<uint32_t>{7, 8});
  EXPECT_EQ(writer.remaining(), 0u);
  writer.finish();
  EXPECT_THAT(ShardReader(folder / "a.h5").document_starts(), ElementsAre());
}

TEST(Shard, WriterRefusesTheWrongNumberOfIdsAndAnExistingFile) {
  const TemporaryFolder folder;
  ShardWriter writer(folder / "a.h5", info_of(3, 1));
  writer.append(std::vector<uint32_t>{1, 2});
  EXPECT_THAT(error_of([&] { writer.finish(); }), HasSubstr("expected 3 ids, received 2"));
  EXPECT_THAT(error_of([&] { writer.append(std::vector<uint32_t>{3, 4}); }), HasSubstr("received 4"));
  folder.write("b.h5", "precious");
  EXPECT_THAT(error_of([&] { ShardWriter(folder / "b.h5", info_of(3, 1)); }), HasSubstr("cannot write"));
  EXPECT_EQ(read_file(folder / "b.h5"), "precious");
  EXPECT_THAT(error_of([&] { ShardWriter(folder / "none" / "c.h5", info_of(3, 1)); }),
              AllOf(HasSubstr("c.h5"), HasSubstr("No such file")));
}

TEST(Shard, ATruncatedFileIsAnErrorAtEveryLength) {
  const TemporaryFolder folder;
  write_shard(folder / "whole.h5", 3000, 1);
  const std::string bytes = read_file(folder / "whole.h5");
  for (const size_t length :
       std::vector<size_t>{0, 1, 7, 8, 95, 96, 800, 2047, 2048, 3000, bytes.size() - 1}) {
    const fs::path cut = folder.write("cut.h5", bytes.substr(0, length));
    EXPECT_THAT(
        error_of([&] { ShardReader reader(cut); }),
        AllOf(HasSubstr(cut.string()), HasSubstr("cut short"), HasSubstr("preprocess the corpus again")))
        << length;
  }
}

// Damage anywhere causes an Error or another hash, never a crash; damage to metadata causes an Error.
TEST(Shard, ADamagedFileNeverCrashes) {
  const TemporaryFolder folder;
  const std::string hash = write_shard(folder / "whole.h5", 300, 1);
  const std::string bytes = read_file(folder / "whole.h5");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5a);
    const fs::path path = folder.write("damaged.h5", damaged);
    try {
      ShardReader reader(path);
      EXPECT_EQ(reader.info().vocabulary_hash, "9f31");
      EXPECT_EQ(reader.info().length, 300u);
      if (i >= bytes.size() - 300) {  // the ids lie last
        EXPECT_NE(reader.content_hash(), hash) << i;
      }
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("damaged.h5"));
    }
  }
}

// A foreign HDF5 file, which `change` makes from a good shard.
template <class Change>
std::string foreign_error(const TemporaryFolder& folder, Change change) {
  fs::remove(folder / "foreign.h5");
  write_shard(folder / "foreign.h5", 10, 1);
  const hid_t file = H5Fopen((folder / "foreign.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  change(file);
  H5Fclose(file);
  return error_of([&] { ShardReader reader(folder / "foreign.h5"); });
}

void put_version(hid_t file, uint32_t version) {
  const hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_UINT32, &version);
  H5Aclose(attribute);
}

void put_ids(hid_t file, hid_t type, int rank) {
  H5Ldelete(file, "ids", H5P_DEFAULT);
  const hsize_t extent[] = {2, 5};
  const hid_t space = H5Screate_simple(rank, extent, nullptr);
  H5Dclose(H5Dcreate2(file, "ids", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
}

TEST(Shard, AForeignFileIsAnErrorThatSaysWhatIsWrong) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { ShardReader(folder / "none.h5"); }),
              AllOf(HasSubstr("none.h5"), HasSubstr("does not exist")));
  EXPECT_THAT(error_of([&] { ShardReader(folder.path()); }), HasSubstr("does not exist"));
  const auto text = folder.write("text.h5", "once upon a time");
  EXPECT_THAT(error_of([&] { ShardReader reader(text); }), HasSubstr("not HDF5"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { put_version(f, 2); }),
              AllOf(HasSubstr("format version is 2"), HasSubstr("reads 1")));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { H5Adelete(f, "format_version"); }),
              HasSubstr("attribute format_version is missing"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { H5Adelete(f, "split"); }),
              HasSubstr("attribute split is missing"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { H5Ldelete(f, "ids", H5P_DEFAULT); }),
              HasSubstr("dataset ids is missing"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { H5Ldelete(f, "document_starts", H5P_DEFAULT); }),
              HasSubstr("dataset document_starts is missing"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { put_ids(f, H5T_STD_U64LE, 1); }),
              HasSubstr("ids have 8 bytes"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { put_ids(f, H5T_STD_U8LE, 2); }), HasSubstr("not one row"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { put_ids(f, H5T_STD_I8LE, 1); }), HasSubstr("not one row"));
  EXPECT_THAT(foreign_error(folder, [](hid_t f) { put_ids(f, H5T_IEEE_F32LE, 1); }),
              HasSubstr("not one row"));
}

TEST(Shard, SeveralThreadsReadSideBySide) {
  const TemporaryFolder folder;
  write_shard(folder / "a.h5", 100000, 4);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const ShardReader reader(folder / "a.h5");
      std::vector<uint32_t> ids(100);
      for (uint64_t i = 0; i < 200; ++i) {
        const uint64_t offset = (i * 397 + uint64_t{t} * 1009) % 99900;
        reader.read(offset, ids);
        if (ids.front() != offset || ids.back() != offset + 99) ++wrong;
      }
      EXPECT_THROW(reader.read(99999, ids), Error);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace charrnn
