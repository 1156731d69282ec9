#include "charrnn/text/source/byte_source.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "charrnn/core/error.h"
#include "charrnn/core/system_reason.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr size_t kRawBytes = size_t{1} << 18;
constexpr size_t kFirstBytes = 4096;  // enough to recognise the format
constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZstandard = "\x28\xb5\x2f\xfd";
constexpr std::string_view kSkippable =
    "\x2a\x4d\x18";  // a skippable frame starts with 0x50 to 0x5f, then these bytes

bool begins_as_zstandard(std::string_view bytes) {
  return bytes.starts_with(kZstandard) ||
         (!bytes.empty() && (bytes[0] & '\xf0') == '\x50' && bytes.substr(1).starts_with(kSkippable));
}

}  // namespace

// Reads from `in`, writes to `out`, and advances both past the bytes that were used.
struct ByteSource::Decompressor {
  virtual ~Decompressor() = default;
  virtual void decompress(std::span<const char>& in, std::span<char>& out) = 0;
  virtual bool at_border() const = 0;  // between two members or frames, where a file may end
};

namespace {

class Gunzip : public ByteSource::Decompressor {
 public:
  explicit Gunzip(std::string name) : name_(std::move(name)) {
    check(inflateInit2(&stream_, 15 + 16) == Z_OK, "zlib could not start");  // 16: gzip
  }
  ~Gunzip() override { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  void decompress(std::span<const char>& in, std::span<char>& out) override {
    if (at_border_ && !begin_member(in)) return;
    stream_.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    in = in.last(stream_.avail_in);
    out = out.last(stream_.avail_out);
    if (result == Z_STREAM_END) {
      at_border_ = true;
    } else if (result == Z_MEM_ERROR) {
      fail("there is not enough memory to decompress ", name_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail_usage(name_, " is damaged gzip data (", stream_.msg == nullptr ? "no reason given" : stream_.msg,
                 "): take an undamaged copy, or leave it out of corpus.sources");
    }
  }
  bool at_border() const override { return at_border_; }

 private:
  // Each member is a gzip file. Zeros between members and at the end are padding, as for gzip. False at the
  // end.
  bool begin_member(std::span<const char>& in) {
    if (started_) {
      while (!in.empty() && in.front() == '\0') in = in.subspan(1);
    }
    if (in.empty()) return false;
    if (started_ && (in.front() != kGzip[0] || (in.size() > 1 && in[1] != kGzip[1]))) {
      fail_usage(
          name_, " has other data after the end of its gzip data (the bytes ",
          hex_bytes({in.data(), std::min<size_t>(in.size(), 8)}),
          ", ...): remove it (gzip -dc FILE | gzip > NEW, which prints a warning), or leave the file out of ",
          "corpus.sources");
    }
    if (started_) check(inflateReset(&stream_) == Z_OK, "zlib could not continue with ", name_);
    at_border_ = false;
    started_ = true;
    return true;
  }

  std::string name_;
  z_stream stream_ = {};
  bool started_ = false;
  bool at_border_ = true;
};

class Unzstd : public ByteSource::Decompressor {
 public:
  explicit Unzstd(std::string name) : name_(std::move(name)), stream_(ZSTD_createDStream()) {
    check(stream_ != nullptr, "libzstd could not start");
    // As large as zstd --long=31 makes them: memory for a window is only allocated when needed.
    const int largest = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
    check(ZSTD_isError(ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, largest)) == 0,
          "libzstd does not accept windows of 2^", largest, " bytes");
  }
  ~Unzstd() override { ZSTD_freeDStream(stream_); }
  Unzstd(const Unzstd&) = delete;
  Unzstd& operator=(const Unzstd&) = delete;

  void decompress(std::span<const char>& in, std::span<char>& out) override {
    ZSTD_inBuffer from = {in.data(), in.size(), 0};
    ZSTD_outBuffer to = {out.data(), out.size(), 0};
    const size_t result = ZSTD_decompressStream(stream_, &to, &from);
    if (ZSTD_isError(result) != 0) fail_at(result);
    if (from.pos > 0 || to.pos > 0) at_border_ = result == 0;
    in = in.subspan(from.pos);
    out = out.subspan(to.pos);
  }
  bool at_border() const override { return at_border_; }

 private:
  [[noreturn]] void fail_at(size_t result) const {
    const char* const reason = ZSTD_getErrorName(result);
    constexpr const char* kOtherwise = ", or leave it out of corpus.sources";
    switch (ZSTD_getErrorCode(result)) {
      case ZSTD_error_memory_allocation:
        fail(name_,
             " cannot be decompressed: there is not enough memory for its Zstandard window, which zstd ",
             "--long makes large: decompress it with zstd -d --memory=2048MB on another machine", kOtherwise);
      case ZSTD_error_frameParameter_windowTooLarge:
      case ZSTD_error_version_unsupported:
        fail_usage(name_, " is compressed in a way that this libzstd (", ZSTD_versionString(),
                   ") cannot read (", reason, "): compress it again, with --long=31 at most", kOtherwise);
      case ZSTD_error_dictionary_wrong:
        fail_usage(name_, " was compressed with a dictionary: decompress it with zstd -d -D DICTIONARY",
                   kOtherwise);
      case ZSTD_error_prefix_unknown:
        fail_usage(name_,
                   " has other data after the end of its Zstandard data: remove it (zstd -dc FILE > TEXT ",
                   "writes the text before it)", kOtherwise);
      default:
        fail_usage(name_, " is damaged Zstandard data (", reason, "): take an undamaged copy", kOtherwise);
    }
  }

  std::string name_;
  ZSTD_DStream* stream_;
  bool at_border_ = true;
};

}  // namespace

ByteSource::ByteSource(const std::filesystem::path& file) : name_(file.string()), raw_(kRawBytes, '\0') {
  file_.rdbuf()->pubsetbuf(nullptr, 0);  // the block is the buffer
  errno = 0;
  file_.open(file, std::ios::binary);
  if (!file_) {
    fail_usage("cannot read ", name_, ": ", system_reason(),
               ": correct the permissions, or leave it out of corpus.sources");
  }
  waiting_ = read_raw(std::span(raw_).first(kFirstBytes));
  const std::string_view start(waiting_.data(), waiting_.size());
  // A file that ends within the first bytes of its format can only be recognised by its name.
  const auto is_cut_short = [&](std::string_view magic, const char* name) {
    return !start.empty() && magic.starts_with(start) && file.extension() == name;
  };
  if (start.starts_with(kGzip) || is_cut_short(kGzip, ".gz")) decompressor_ = std::make_unique<Gunzip>(name_);
  if (begins_as_zstandard(start) || is_cut_short(kZstandard, ".zst"))
    decompressor_ = std::make_unique<Unzstd>(name_);
}

ByteSource::~ByteSource() = default;

std::span<const char> ByteSource::read_raw(std::span<char> room) {
  errno = 0;
  file_.read(room.data(), static_cast<std::streamsize>(room.size()));
  const auto count = static_cast<size_t>(file_.gcount());
  if (file_.bad()) {
    fail_usage("reading ", name_, " stopped at byte ", bytes_on_disk_, ": ", system_reason(),
               ": fix the cause, or leave the file out of corpus.sources");
  }
  bytes_on_disk_ += count;
  hasher_.add(std::string_view(room.data(), count));
  return room.first(count);
}

size_t ByteSource::read(std::span<char> bytes) {
  std::span<char> room = bytes;
  while (!room.empty()) {
    if (!decompressor_ && waiting_.empty()) {
      const size_t count = read_raw(room).size();
      room = room.subspan(count);
      if (count == 0) break;
    } else if (!decompressor_) {
      const size_t count = std::min(room.size(), waiting_.size());
      std::memcpy(room.data(), waiting_.data(), count);
      room = room.subspan(count);
      waiting_ = waiting_.subspan(count);
    } else if (!decompress(room)) {
      break;
    }
  }
  return bytes.size() - room.size();
}

// False at the end.
bool ByteSource::decompress(std::span<char>& room) {
  const size_t waited = waiting_.size();
  const size_t had_room = room.size();
  decompressor_->decompress(waiting_, room);
  if (waiting_.size() != waited || room.size() != had_room) return true;
  waiting_ = read_raw(raw_);
  if (waiting_.empty() && !decompressor_->at_border()) {
    fail_usage(name_, " is compressed, and its data end too early, after ", bytes_on_disk_,
               " bytes: take a complete copy, or leave it out of corpus.sources");
  }
  return !waiting_.empty();
}

void ByteSource::read_to_end() {
  while (!read_raw(raw_).empty()) {
  }
}

std::string hash_of_file(const std::filesystem::path& file) {
  ByteSource bytes(file);
  bytes.read_to_end();
  return bytes.hash();
}

}  // namespace charrnn
