#include "text/document_reader.h"

#include <cerrno>
#include <system_error>

#include "core/error.h"

namespace charrnn {

DocumentReader::DocumentReader(const std::filesystem::path& file, Unit unit, size_t block_bytes)
    : name_(file.string()), block_(block_bytes, '\0'), decoder_(name_), units_(unit) {
  file_.rdbuf()->pubsetbuf(nullptr, 0);  // the block is the buffer
  errno = 0;
  file_.open(file, std::ios::binary);
  if (!file_) {
    fail_usage("cannot read ", name_, ": ", std::generic_category().message(errno),
               ": correct its permissions or leave it out of corpus.sources");
  }
}

std::u32string_view DocumentReader::next() {
  while (!at_end_) {
    errno = 0;
    file_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    const auto count = static_cast<size_t>(file_.gcount());
    if (file_.bad())
      fail("reading ", name_, " stopped at byte ", bytes_, ": ", std::generic_category().message(errno));
    at_end_ = count == 0;
    if (at_end_) {
      decoder_.finish();
      return units_.split(line_ends_.finish());
    }
    bytes_ += count;
    const std::string_view bytes(block_.data(), count);
    hasher_.add(bytes);
    const std::u32string_view units = units_.split(line_ends_.unify(decoder_.decode(bytes)));
    if (!units.empty()) return units;
  }
  return {};
}

}  // namespace charrnn
