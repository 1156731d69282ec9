#include "charrnn/text/source/byte_survey.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "charrnn/core/error.h"
#include "charrnn/core/vectorize.h"
#include "charrnn/text/source/charset_clues.h"
#include "charrnn/text/source/charset_names.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr size_t kBlockBytes = 4096;       // searched for anything unusual at once
constexpr size_t kHeadBytes = 64 << 10;    // searched for a declaration
constexpr size_t kSampleBytes = 64 << 10;  // for the detector
constexpr size_t kBeforeBytes = 64;        // of a long line, before its first high byte
constexpr size_t kLineBytes = 4096;        // of a long line in all
constexpr uint64_t kEnoughSequences = 8;   // of UTF-8: too many to occur by accident in a two-byte charset
constexpr uint64_t kFewControls = 4;       // that any text may have, such as the ^Z of DOS
constexpr unsigned char kHigh = 0x80;      // in the result of unusual()
constexpr unsigned char kControl = 0x01;   // likewise
constexpr unsigned char kEscape = 0x1b;

unsigned char kind_of(unsigned char byte) {
  const bool low = byte < 0x20;
  const bool line_end = static_cast<unsigned char>(byte - '\t') <= '\r' - '\t';
  const bool control = (low & !line_end) | (byte == 0x7f);
  return static_cast<unsigned char>((byte & kHigh) | (control ? kControl : 0));
}

// kHigh if there are bytes from 0x80, kControl if there are control characters. The inner loop has a fixed
// length so that -O2 vectorises it, too.
CHARRNN_VECTORIZED unsigned char unusual(const unsigned char* bytes, size_t size) {
  std::array<unsigned char, 64> kinds{};
  const size_t whole = size - size % kinds.size();
  for (size_t i = 0; i < whole; i += kinds.size()) {
    for (size_t k = 0; k < kinds.size(); ++k)
      kinds[k] = static_cast<unsigned char>(kinds[k] | kind_of(bytes[i + k]));
  }
  unsigned char seen = 0;
  for (const unsigned char kind : kinds) seen = static_cast<unsigned char>(seen | kind);
  for (size_t i = whole; i < size; ++i) seen = static_cast<unsigned char>(seen | kind_of(bytes[i]));
  return seen;
}

unsigned char byte_at(std::string_view bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

struct Magic {
  std::string_view bytes;
  const char* kind;
};
constexpr Magic kMagic[] = {
    {"%PDF-", "a PDF"},        {"\x89PNG\r\n", "a PNG image"}, {"\xff\xd8\xff", "a JPEG image"},
    {"PK\x03\x04", "a ZIP"},   {"\x1f\x8b", "a gzip"},         {"\xfd\x37zXZ", "an xz"},
    {"BZh91AY&SY", "a bzip2"}, {"\x28\xb5\x2f\xfd", "a zstd"}, {"\x89HDF\r\n", "an HDF5"},
    {"\x7f\x45LF", "an ELF"},
};

}  // namespace

ByteSurvey ByteSurvey::of_later_piece(bool sample) {
  ByteSurvey survey;
  survey.keeps_head_ = false;
  survey.keeps_sample_ = sample;
  return survey;
}

void ByteSurvey::add(std::string_view bytes) {
  if (keeps_head_) head_.append(bytes.substr(0, kHeadBytes - head_.size()));
  sampled_end_ = 0;
  size_t seen_end = 0;  // of the last character, which may reach into the next block
  for (size_t block = 0; block < bytes.size(); block += kBlockBytes) {
    const size_t end = std::min(block + kBlockBytes, bytes.size());
    const unsigned char seen =
        unusual(reinterpret_cast<const unsigned char*>(bytes.data()) + block, end - block);
    const bool both = (seen & kControl) != 0 && (seen & kHigh) != 0;
    const size_t step = both ? 1 : end - block;  // lines are sampled in the order of the text
    for (size_t from = block; from < end; from += step) {
      if ((seen & kControl) != 0) count_controls(bytes, from, from + step);
      if ((seen & kHigh) != 0) seen_end = count_high(bytes, std::max(from, seen_end), from + step);
    }
  }
  bytes_ += bytes.size();
}

bool ByteSurvey::has_whole_sample() const {
  return sample_.size() >= kSampleBytes;
}

void ByteSurvey::merge(const ByteSurvey& next) {
  if (first_nul_ == kNowhere && next.first_nul_ != kNowhere) first_nul_ = bytes_ + next.first_nul_;
  if (first_control_ == kNowhere && next.first_control_ != kNowhere)
    first_control_ = bytes_ + next.first_control_;
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += next.counts_[i];
  sequences_ += next.sequences_;
  malformed_ += next.malformed_;
  head_.append(next.head_, 0, kHeadBytes - head_.size());
  sample_.append(next.sample_, 0, kSampleBytes - sample_.size());
  bytes_ += next.bytes_;
}

void ByteSurvey::count_controls(std::string_view bytes, size_t from, size_t end) {
  for (size_t at = from; at < end; ++at) {
    const unsigned char byte = byte_at(bytes, at);
    if ((byte >= 0x20 && byte != 0x7f) || is_line_end(bytes[at])) continue;
    ++counts_[byte];
    if (byte == kEscape) {
      sample_line(bytes, at);
    } else {
      first_control_ = std::min(first_control_, bytes_ + at);
    }
    if (byte == 0) first_nul_ = std::min(first_nul_, bytes_ + at);
  }
}

// Counts the characters that begin in [from, end) and returns the end of the last one.
size_t ByteSurvey::count_high(std::string_view bytes, size_t from, size_t end) {
  size_t at = from;
  const char* const stop = bytes.data() + end;
  while (at < end && (at = static_cast<size_t>(skip_ascii(bytes.data() + at, stop) - bytes.data())) < end) {
    sample_line(bytes, at);
    while (at < end && byte_at(bytes, at) >= 0x80) {
      const size_t start = at;
      const char* next = bytes.data() + at;
      const int32_t character = next_or_malformed(next, bytes.data() + bytes.size());
      at = static_cast<size_t>(next - bytes.data());
      if (character >= 0) {
        ++sequences_;
      } else {
        ++malformed_;
        for (size_t i = start; i < at; ++i) ++counts_[byte_at(bytes, i)];
      }
    }
  }
  return at;
}

// Adds the line that contains `at` to the sample; of a long line only parts. All is ASCII before the first.
void ByteSurvey::sample_line(std::string_view bytes, size_t at) {
  if (!keeps_sample_ || sample_.size() >= kSampleBytes || at < sampled_end_) return;
  const size_t least = std::max(sampled_end_, at - std::min(at, kBeforeBytes));
  const size_t line_end = bytes.substr(least, at - least).rfind('\n');
  const size_t from = line_end == std::string_view::npos ? least : least + line_end + 1;
  std::string_view line = bytes.substr(from, std::min(kLineBytes, kSampleBytes - sample_.size()));
  const size_t next = line.find('\n', at - from);
  if (next != std::string_view::npos) line = line.substr(0, next + 1);
  sample_ += line;
  sampled_end_ = from + line.size();
}

// How often the byte values `first` to `last` occur.
uint64_t ByteSurvey::count(unsigned first, unsigned last) const {
  return std::accumulate(counts_.begin() + first, counts_.begin() + last + 1, uint64_t{0});
}

uint64_t ByteSurvey::controls() const {
  const uint64_t shifts = counts_[kEscape] > 0 ? counts_[0x0e] + counts_[0x0f] : 0;
  return count(0, 0x1f) + counts_[0x7f] - counts_[kEscape] - shifts;
}

std::string ByteSurvey::binary_reason() const {
  for (const Magic& magic : kMagic) {
    if (head_.starts_with(magic.bytes)) return concat("begins like ", magic.kind, " file");
  }
  const std::optional<ByteOrderMark> mark = byte_order_mark(head_);
  const bool wide = mark.has_value() && mark->charset != kUtf8;
  if (wide || (first_nul_ != kNowhere && !wide_charset(head_).empty())) return "";
  if (first_nul_ != kNowhere) return concat("has NUL bytes (the first at byte ", first_nul_, ")");
  if (controls() <= kFewControls || controls() * 100 <= bytes_) return "";
  return concat("has ", controls(), " control characters in ", bytes_, " bytes (the first at byte ",
                first_control_, ")");
}

Charset ByteSurvey::decide() const {
  Charset charset;
  if (const std::optional<ByteOrderMark> mark = byte_order_mark(head_); mark.has_value()) {
    charset = {mark->charset, CharsetEvidence::kMark, 100, mark->bytes, ""};
    if (charset.name == kUtf8) charset.declared = declaration(head_);
    return charset;
  }
  if (first_nul_ != kNowhere) {
    charset = {wide_charset(head_), CharsetEvidence::kDetected, 100, 0, ""};
    if (!charset.name.empty()) return charset;
  }
  const std::string words = declaration(head_);
  const std::string declared = declared_charset_name(words);
  const bool ascii = sequences_ + malformed_ == 0 && !(counts_[kEscape] > 0 && is_escaped(declared));
  if (ascii) {
    charset = counts_[kEscape] > 0 ? detected() : Charset{kAscii};
    if (!is_escaped(charset.name)) charset = {kAscii};
    if (declared == charset.name) charset.evidence = CharsetEvidence::kDeclared;
  } else if (!declared.empty() && declaration_holds(declared)) {
    charset = {with_c1_letters(declared), CharsetEvidence::kDeclared};
  } else if (malformed_ == 0) {
    charset = {kUtf8, CharsetEvidence::kValidUtf8};
  } else {
    charset = detected();
  }
  charset.declared = words;
  return charset;
}

// At most one in a hundred characters beyond ASCII is malformed.
bool ByteSurvey::mostly_utf8() const {
  return malformed_ * 100 <= sequences_;
}

// For texts with bytes from 0x80, or escapes. A text cannot be in a charset that could not spell the
// declaration (UTF-16). No text in a single-byte charset is valid UTF-8 by accident: each of its letters
// would have to be followed by exactly the number of symbols that UTF-8 requires. In two-byte charsets this
// occurs over a few characters.
bool ByteSurvey::declaration_holds(const std::string& charset) const {
  if (charset == kUtf8) return mostly_utf8();
  if (charset == kAscii || !can_spell_declaration(charset)) return false;
  if (malformed_ == 0 && sequences_ > 0 && (is_single_byte(charset) || sequences_ >= kEnoughSequences)) {
    return false;
  }
  return fits(charset, sample_);
}

// ISO-8859-1 has no letters at 0x80 to 0x9f; a text with such bytes that declares it is in windows-1252.
std::string ByteSurvey::with_c1_letters(const std::string& charset) const {
  return count(0x80, 0x9f) == 0 ? charset : windows_variant(charset);
}

Charset ByteSurvey::detected() const {
  if (sequences_ > 0 && mostly_utf8()) {
    const uint64_t percent = sequences_ * 100 / (sequences_ + malformed_);
    return {kUtf8, CharsetEvidence::kDetected, static_cast<int>(percent)};
  }
  Charset charset = detect_charset(sample_);
  charset.name = with_c1_letters(charset.name);
  return charset;
}

}  // namespace charrnn
