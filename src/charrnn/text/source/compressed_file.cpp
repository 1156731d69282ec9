#include "charrnn/text/source/compressed_file.h"

#include <zstd.h>

#include <fstream>
#include <string>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/core/system_reason.h"

namespace charrnn {

struct CompressedFile::State {
  ZSTD_CStream* stream = ZSTD_createCStream();
  std::ofstream file;
  std::string out = std::string(ZSTD_CStreamOutSize(), '\0');
  ~State() { ZSTD_freeCStream(stream); }
};

CompressedFile::CompressedFile(std::filesystem::path file)
    : file_(std::move(file)), state_(std::make_unique<State>()) {
  check(state_->stream != nullptr, "libzstd could not start");
  state_->file.open(file_, std::ios::binary);
  check(state_->file.good(), "cannot write ", file_.string(), ": ", system_reason(),
        ": check free space and permissions");
}

CompressedFile::~CompressedFile() = default;

void CompressedFile::write(std::span<const char> bytes) {
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  const ZSTD_EndDirective end = bytes.empty() ? ZSTD_e_end : ZSTD_e_continue;
  size_t left = 1;
  while (end == ZSTD_e_end ? left != 0 : in.pos < in.size) {
    ZSTD_outBuffer out = {state_->out.data(), state_->out.size(), 0};
    left = ZSTD_compressStream2(state_->stream, &out, &in, end);
    check(ZSTD_isError(left) == 0, "libzstd failed: ", ZSTD_getErrorName(left));
    state_->file.write(state_->out.data(), static_cast<std::streamsize>(out.pos));
    check(state_->file.good(), "cannot write ", file_.string(), ": ", system_reason(), ": check free space");
  }
}

void CompressedFile::finish() {
  write({});
  state_->file.close();
  check(state_->file.good(), "cannot write ", file_.string(), ": ", system_reason(), ": check free space");
}

}  // namespace charrnn
