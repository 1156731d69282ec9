#include "charrnn/data/shard_reader.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/core/system_reason.h"
#include "charrnn/data/hdf5_handle.h"

namespace charrnn {
namespace {

constexpr uint64_t kHashBlock = uint64_t{1} << 18;  // ids

hid_t memory_type(int id_bytes) {
  if (id_bytes == 1) return H5T_NATIVE_UINT8;
  return id_bytes == 2 ? H5T_NATIVE_UINT16 : H5T_NATIVE_UINT32;
}

// The message if a part of the file is not as in a shard.
std::string not_a_shard(const std::filesystem::path& path, const std::string& what) {
  return concat("expected a charrnn shard in ", path.string(), ", but ", what,
                ": preprocess the corpus again, or copy the file again from an undamaged copy");
}

class Attributes {
 public:
  Attributes(hid_t file, const std::filesystem::path& path) : file_(file), path_(path) {}

  uint32_t number(const char* name) const {
    const Hdf5Handle attribute = open(name);
    const Hdf5Handle type(H5Aget_type(attribute), H5Tclose, lacks(name));
    const Hdf5Handle space(H5Aget_space(attribute), H5Sclose, lacks(name));
    check(H5Tget_class(type) == H5T_INTEGER && H5Sget_simple_extent_npoints(space) == 1,
          not_a_shard(path_, concat("its attribute ", name, " is not a number")));
    uint32_t value = 0;
    hdf5_check(H5Aread(attribute, H5T_NATIVE_UINT32, &value), lacks(name));
    return value;
  }

  std::string text(const char* name) const {
    const Hdf5Handle attribute = open(name);
    const Hdf5Handle type(H5Aget_type(attribute), H5Tclose, lacks(name));
    const Hdf5Handle space(H5Aget_space(attribute), H5Sclose, lacks(name));
    const size_t size = H5Tget_size(type);
    check(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && size <= 1024 &&
              H5Sget_simple_extent_npoints(space) == 1,
          not_a_shard(path_, concat("its attribute ", name, " is not a short text of fixed length")));
    std::string value(size, '\0');
    hdf5_check(H5Aread(attribute, type, value.data()), lacks(name));
    return value.substr(0, value.find('\0'));
  }

 private:
  Hdf5Handle open(const char* name) const {
    return {H5Aopen(file_, name, H5P_DEFAULT), H5Aclose, lacks(name)};
  }
  std::string lacks(const char* name) const {
    return not_a_shard(path_, concat("its attribute ", name, " is missing or damaged"));
  }

  hid_t file_;
  const std::filesystem::path& path_;
};

// Opens a one-dimensional dataset of unsigned numbers; sets `length` and `bytes` (of one number).
Hdf5Handle open_numbers(hid_t file, const std::filesystem::path& path, const char* name, uint64_t& length,
                        size_t& bytes) {
  const std::string missing = not_a_shard(path, concat("its dataset ", name, " is missing or damaged"));
  Hdf5Handle dataset(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, missing);
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose, missing);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose, missing);
  check(H5Sget_simple_extent_ndims(space) == 1 && H5Tget_class(type) == H5T_INTEGER &&
            H5Tget_sign(type) == H5T_SGN_NONE,
        not_a_shard(path, concat("its dataset ", name, " is not one row of unsigned numbers")));
  hsize_t extent = 0;
  H5Sget_simple_extent_dims(space, &extent, nullptr);
  length = extent;
  bytes = H5Tget_size(type);
  return dataset;
}

}  // namespace

struct ShardReader::File {
  std::optional<Hdf5Handle> file, ids, targets, document_starts;
  uint64_t document_count = 0;

  hid_t row(ShardRow which) const {
    check(which == ShardRow::kIds || targets, "a shard without aligned targets was asked for them");
    return which == ShardRow::kIds ? *ids : *targets;
  }

  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    const Hdf5Lock lock;
    document_starts.reset();
    targets.reset();
    ids.reset();
    file.reset();
  }
};

ShardReader::ShardReader(std::filesystem::path path)
    : path_(std::move(path)), file_(std::make_unique<File>()) {
  check(std::filesystem::is_regular_file(path_), "the shard ", path_.string(),
        " does not exist or is not a file: preprocess the corpus again, or copy the missing file");
  const bool is_readable = access(path_.c_str(), R_OK) == 0;
  check(is_readable, "the shard ", path_.string(), " cannot be read: ", system_reason(),
        ": check its permissions");
  const Hdf5Lock lock;
  const Hdf5Handle no_locks = file_access_without_locks();
  file_->file.emplace(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, no_locks), H5Fclose,
                      not_a_shard(path_, "it cannot be opened: it is cut short or not HDF5"));
  const hid_t file = *file_->file;
  const Attributes attributes(file, path_);
  const uint32_t version = attributes.number("format_version");
  check(version == kShardFormatVersion,
        not_a_shard(path_, concat("its format version is ", version, ", and this version of charrnn reads ",
                                  kShardFormatVersion)));
  info_.vocabulary_hash = attributes.text("vocabulary_hash");
  info_.split = attributes.text("split");
  info_.shard = attributes.number("shard");
  info_.shard_count = attributes.number("shard_count");

  size_t bytes = 0;
  file_->ids.emplace(open_numbers(file, path_, "ids", info_.length, bytes));
  check(bytes == 1 || bytes == 2 || bytes == 4,
        not_a_shard(path_, concat("its ids have ", bytes, " bytes, expected 1, 2 or 4")));
  info_.id_bytes = static_cast<int>(bytes);
  info_.has_targets = H5Lexists(file, "targets", H5P_DEFAULT) > 0;
  if (info_.has_targets) {
    uint64_t length = 0;
    file_->targets.emplace(open_numbers(file, path_, "targets", length, bytes));
    check(length == info_.length && bytes == static_cast<size_t>(info_.id_bytes),
          not_a_shard(path_, concat("its dataset targets has ", length, " numbers of ", bytes,
                                    " bytes, expected the same as ids, ", info_.length, " numbers of ",
                                    info_.id_bytes)));
  }
  file_->document_starts.emplace(open_numbers(file, path_, "document_starts", file_->document_count, bytes));
  // More documents than characters is impossible, and would cause a large allocation.
  check(file_->document_count <= info_.length,
        not_a_shard(path_, concat("it claims ", file_->document_count, " documents in ", info_.length,
                                  " characters")));
}

ShardReader::~ShardReader() = default;
ShardReader::ShardReader(ShardReader&&) noexcept = default;
ShardReader& ShardReader::operator=(ShardReader&&) noexcept = default;

namespace {

void read_ids(const std::filesystem::path& path, hid_t dataset, uint64_t length, uint64_t offset,
              uint64_t count, hid_t type, void* destination) {
  check(offset <= length && count <= length - offset, "expected ids within the ", length, " of ",
        path.string(), ", found a request for ", count, " from ", offset);
  if (count == 0) return;
  const Hdf5Lock lock;
  const std::string what = concat("cannot read ids ", offset, " to ", offset + count, " of ", path.string(),
                                  ": check the disk, or copy the file again from an undamaged copy");
  const hsize_t start = offset;
  const hsize_t size = count;
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose, what);
  const Hdf5Handle memory(H5Screate_simple(1, &size, nullptr), H5Sclose, what);
  hdf5_check(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &size, nullptr), what);
  hdf5_check(H5Dread(dataset, type, memory, space, H5P_DEFAULT, destination), what);
}

}  // namespace

void ShardReader::read_bytes(uint64_t offset, uint64_t count, std::byte* destination, ShardRow row) const {
  read_ids(path_, file_->row(row), info_.length, offset, count, memory_type(info_.id_bytes), destination);
}

void ShardReader::read(uint64_t offset, std::span<uint32_t> ids, ShardRow row) const {
  read_ids(path_, file_->row(row), info_.length, offset, ids.size(), H5T_NATIVE_UINT32, ids.data());
}

std::vector<uint64_t> ShardReader::document_starts() const {
  std::vector<uint64_t> starts(file_->document_count);
  read_ids(path_, *file_->document_starts, starts.size(), 0, starts.size(), H5T_NATIVE_UINT64, starts.data());
  for (size_t i = 0; i < starts.size(); ++i) {
    check(starts[i] < info_.length && (i == 0 || starts[i - 1] < starts[i]),
          not_a_shard(
              path_, concat("its document ", i, " begins at ", starts[i], ", out of order or past the end")));
  }
  return starts;
}

void ShardReader::add_to(Hasher& hasher, ShardRow row) const {
  std::vector<std::byte> block(kHashBlock * static_cast<uint64_t>(info_.id_bytes));
  for (uint64_t offset = 0; offset < info_.length; offset += kHashBlock) {
    const uint64_t count = std::min(kHashBlock, info_.length - offset);
    read_bytes(offset, count, block.data(), row);
    hasher.add(std::span(block).first(count * static_cast<uint64_t>(info_.id_bytes)));
  }
}

// Computed as in ShardWriter::finish.
std::string ShardReader::content_hash() const {
  Hasher hasher;
  add_to(hasher, ShardRow::kIds);
  if (info_.has_targets) {
    Hasher of_targets;
    add_to(of_targets, ShardRow::kTargets);
    hasher.add(of_targets.hex());
  }
  const std::vector<uint64_t> starts = document_starts();
  hasher.add(std::as_bytes(std::span(starts)));
  return hasher.hex();
}

}  // namespace charrnn
