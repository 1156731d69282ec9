#include "charrnn/corpus/shard_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/data/hdf5_handle.h"

namespace charrnn {
namespace {

static_assert(std::endian::native == std::endian::little, "ids are hashed and buffered as they are stored");

constexpr size_t kBufferBytes = size_t{1} << 20;

hid_t file_type(int id_bytes) {
  if (id_bytes == 1) return H5T_STD_U8LE;
  return id_bytes == 2 ? H5T_STD_U16LE : H5T_STD_U32LE;
}

// In the format of HDF5 1.8, whose metadata have checksums, so that HDF5 detects damage. Not in a later one,
// which marks files as open, and leaves them marked if the writer is killed.
Hdf5Handle create_file(const std::filesystem::path& path, const std::string& what) {
  const Hdf5Handle access = file_access_without_locks();
  hdf5_check(H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18), what);
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, what);
  hdf5_check(H5Pset_obj_track_times(creation, false), what);
  return {H5Fcreate(path.c_str(), H5F_ACC_EXCL, creation, access), H5Fclose, what};
}

// Contiguous, without time stamps, so that equal ids give equal bytes.
Hdf5Handle create_numbers(hid_t file, const char* name, hid_t type, uint64_t length,
                          const std::string& what) {
  const hsize_t extent = length;
  const Hdf5Handle space(H5Screate_simple(1, &extent, nullptr), H5Sclose, what);
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, what);
  hdf5_check(H5Pset_layout(creation, H5D_CONTIGUOUS), what);
  hdf5_check(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), what);
  hdf5_check(H5Pset_obj_track_times(creation, false), what);
  return {H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose, what};
}

void write_attribute(hid_t file, const char* name, hid_t type, const void* value, const std::string& what) {
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose, what);
  const Hdf5Handle attribute(H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, what);
  hdf5_check(H5Awrite(attribute, type, value), what);
}

void write_attribute(hid_t file, const char* name, const std::string& text, const std::string& what) {
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, what);
  hdf5_check(H5Tset_size(type, text.size() + 1), what);  // and the NUL that ends it
  hdf5_check(H5Tset_cset(type, H5T_CSET_UTF8), what);
  write_attribute(file, name, type, text.c_str(), what);
}

void write_attribute(hid_t file, const char* name, uint32_t value, const std::string& what) {
  write_attribute(file, name, H5T_STD_U32LE, &value, what);
}

void bring_to_disk(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int result = descriptor < 0 ? -1 : fsync(descriptor);
  const int reason = errno;
  if (descriptor >= 0) close(descriptor);
  check(result == 0, "cannot write ", path.string(), " to disk: ", std::generic_category().message(reason));
}

// A dataset of ids, hashed and written in large blocks.
class Row {
 public:
  Row(hid_t file, const char* name, const ShardInfo& info, const std::string& what)
      : what_(what),
        id_bytes_(info.id_bytes),
        dataset_(create_numbers(file, name, file_type(info.id_bytes), info.length, what)),
        buffer_(kBufferBytes) {}

  uint64_t written() const { return stored_ + buffered_bytes_ / static_cast<size_t>(id_bytes_); }
  Hasher& hasher() { return hasher_; }

  void append(std::span<const uint32_t> ids) {
    switch (id_bytes_) {
      case 1:
        return append_as<uint8_t>(ids);
      case 2:
        return append_as<uint16_t>(ids);
      default:
        return append_as<uint32_t>(ids);
    }
  }

  void append_bytes(std::span<const std::byte> ids) {
    while (!ids.empty()) {
      const auto part = ids.first(std::min(ids.size(), buffer_.size() - buffered_bytes_));
      std::memcpy(buffer_.data() + buffered_bytes_, part.data(), part.size());
      buffered_bytes_ += part.size();
      ids = ids.subspan(part.size());
      if (buffered_bytes_ == buffer_.size()) flush();
    }
  }

  void flush() {
    if (buffered_bytes_ == 0) return;
    hasher_.add(std::span(buffer_).first(buffered_bytes_));
    const hsize_t start = stored_;
    const hsize_t count = buffered_bytes_ / static_cast<size_t>(id_bytes_);
    const Hdf5Lock lock;
    const Hdf5Handle space(H5Dget_space(dataset_), H5Sclose, what_);
    const Hdf5Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose, what_);
    hdf5_check(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr), what_);
    hdf5_check(H5Dwrite(dataset_, file_type(id_bytes_), memory, space, H5P_DEFAULT, buffer_.data()), what_);
    stored_ += count;
    buffered_bytes_ = 0;
  }

  bool close() { return dataset_.reset(); }

 private:
  template <class Id>
  void append_as(std::span<const uint32_t> from) {
    while (!from.empty()) {
      const size_t room = (buffer_.size() - buffered_bytes_) / sizeof(Id);
      const std::span<const uint32_t> part = from.first(std::min(room, from.size()));
      std::byte* out = buffer_.data() + buffered_bytes_;
      for (size_t i = 0; i < part.size(); ++i) {
        const auto id = static_cast<Id>(part[i]);
        std::memcpy(out + i * sizeof(Id), &id, sizeof(Id));
      }
      buffered_bytes_ += part.size() * sizeof(Id);
      from = from.subspan(part.size());
      if (buffered_bytes_ == buffer_.size()) flush();
    }
  }

  const std::string& what_;  // for messages: what failed
  int id_bytes_;
  Hdf5Handle dataset_;
  std::vector<std::byte> buffer_;
  size_t buffered_bytes_ = 0;
  uint64_t stored_ = 0;  // ids in the file
  Hasher hasher_;
};

}  // namespace

struct ShardWriter::File {
  std::filesystem::path path;
  ShardInfo info;
  std::string what;  // for messages: what failed
  std::optional<Hdf5Handle> file;
  std::optional<Row> ids, targets;
  std::vector<uint64_t> document_starts;

  void write_document_starts() {
    const Hdf5Handle starts =
        create_numbers(*file, "document_starts", H5T_STD_U64LE, document_starts.size(), what);
    if (document_starts.empty()) return;
    hdf5_check(H5Dwrite(starts, H5T_STD_U64LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, document_starts.data()), what);
  }

  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    const Hdf5Lock lock;
    targets.reset();
    ids.reset();
    file.reset();
  }
};

ShardWriter::ShardWriter(std::filesystem::path path, const ShardInfo& info)
    : file_(std::make_unique<File>()) {
  File& f = *file_;
  f.path = std::move(path);
  f.info = info;
  f.what = "cannot write " + f.path.string() + ": check free space and permissions";
  const Hdf5Lock lock;
  f.file.emplace(create_file(f.path, f.what));
  write_attribute(*f.file, "format_version", kShardFormatVersion, f.what);
  write_attribute(*f.file, "vocabulary_hash", info.vocabulary_hash, f.what);
  write_attribute(*f.file, "split", info.split, f.what);
  write_attribute(*f.file, "shard", info.shard, f.what);
  write_attribute(*f.file, "shard_count", info.shard_count, f.what);
  f.ids.emplace(*f.file, "ids", info, f.what);
  if (info.has_targets) f.targets.emplace(*f.file, "targets", info, f.what);
}

ShardWriter::~ShardWriter() = default;
ShardWriter::ShardWriter(ShardWriter&&) noexcept = default;
ShardWriter& ShardWriter::operator=(ShardWriter&&) noexcept = default;

// Called before anything is buffered: `ids` ids and `targets` targets follow.
void ShardWriter::check_room(size_t ids, size_t targets) const {
  const File& f = *file_;
  check(ids <= remaining(), "the shard ", f.path.string(), " expected ", f.info.length, " ids, received ",
        written() + ids);
  check(targets == (f.info.has_targets ? ids : 0), "the shard ", f.path.string(), " received ", ids,
        " ids and ", targets, " targets: expected ", f.info.has_targets ? "one for each id" : "no targets");
}

void ShardWriter::append(std::span<const uint32_t> ids, std::span<const uint32_t> targets) {
  check_room(ids.size(), targets.size());
  file_->ids->append(ids);
  if (file_->targets) file_->targets->append(targets);
}

void ShardWriter::append_bytes(std::span<const std::byte> ids, std::span<const std::byte> targets) {
  const auto id_bytes = static_cast<size_t>(file_->info.id_bytes);
  check(ids.size() % id_bytes == 0 && targets.size() % id_bytes == 0, "the shard ", file_->path.string(),
        " received ", ids.size(), " bytes, expected a multiple of the ", id_bytes, " of an id");
  check_room(ids.size() / id_bytes, targets.size() / id_bytes);
  file_->ids->append_bytes(ids);
  if (file_->targets) file_->targets->append_bytes(targets);
}

void ShardWriter::start_document() {
  file_->document_starts.push_back(written());
}

uint64_t ShardWriter::written() const {
  return file_->ids->written();
}

uint64_t ShardWriter::remaining() const {
  return file_->info.length - written();
}

std::string ShardWriter::finish() {
  File& f = *file_;
  check(remaining() == 0, "the shard ", f.path.string(), " expected ", f.info.length, " ids, received ",
        written());
  f.ids->flush();
  Hasher& hasher = f.ids->hasher();
  if (f.targets) {
    f.targets->flush();
    hasher.add(f.targets->hasher().hex());
  }
  hasher.add(std::as_bytes(std::span(f.document_starts)));
  {
    const Hdf5Lock lock;
    f.write_document_starts();
    const bool closed_ids = f.ids->close();
    const bool closed_targets = !f.targets || f.targets->close();
    const bool closed_file = f.file->reset();
    if (!closed_ids || !closed_targets || !closed_file) hdf5_check(-1, f.what);
  }
  bring_to_disk(f.path);
  return hasher.hex();
}

}  // namespace charrnn
