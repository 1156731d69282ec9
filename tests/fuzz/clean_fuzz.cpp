// For any bytes as a source and any settings, decoding and cleaning must end with clean text or with an Error
// that has the reason, and must not depend on where the text was cut into blocks. The first bytes of an input
// choose the settings (see read_choice), the rest is the file. launch/fuzz.sh searches for inputs that break
// this; replay.cpp runs those in corpus/.
#include <sys/mman.h>
#include <unicode/normalizer2.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/text/document_cleaner.h"
#include "charrnn/text/source/byte_source.h"
#include "charrnn/text/source/byte_survey.h"
#include "charrnn/text/source/charset_decoder.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/source_reader.h"
#include "charrnn/text/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace charrnn {
namespace {

constexpr size_t kLongestText = size_t{1} << 16;  // a few bytes of zstd can be gigabytes of text

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "clean_fuzz: expected that %s\n", what);
  std::abort();
}

// A file in memory, the same for every input.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("clean_fuzz", 0)) {
    expect(descriptor_ >= 0, "memfd_create works");
  }
  void write(std::string_view bytes) const {
    expect(ftruncate(descriptor_, 0) == 0, "ftruncate works");
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), 0);
    expect(written == static_cast<ssize_t>(bytes.size()), "pwrite works");
  }
  std::string path() const { return concat("/proc/self/fd/", descriptor_); }

 private:
  int descriptor_;
};

// The choices made by the first bytes of an input.
struct Choice {
  static constexpr size_t kBytes = 5;
  CorpusSettings settings;
  Source source;
  size_t block_bytes = 1;
};

Choice read_choice(std::string_view bytes) {
  // Charsets of every kind: one byte, two, four, with states, with more than one way to write a character.
  static constexpr std::array<const char*, 24> kEncodings{
      "",           "UTF-8",       "UTF-16LE", "UTF-16BE",   "UTF-16",   "UTF-32LE",     "UTF-32BE",
      "ISO-8859-1", "Shift_JIS",   "GB18030",  "EUC-JP",     "Big5",     "windows-1252", "ISO-2022-JP",
      "EUC-KR",     "KOI8-R",      "UTF-7",    "HZ-GB-2312", "US-ASCII", "IBM037",       "ISO-2022-KR",
      "GBK",        "windows-874", "SCSU"};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto bit = [&](size_t i, int place) { return (byte(i) >> place & 1) != 0; };
  const auto pick = [&](size_t i, int place) { return (byte(i) >> place & 3) % 3; };
  Choice choice;
  CorpusSettings& s = choice.settings;
  const std::string_view encoding = kEncodings[byte(0) % kEncodings.size()];
  if (!encoding.empty()) choice.source.encoding = encoding;
  s.invalid_bytes = static_cast<InvalidBytes>(pick(1, 0));
  s.normalization = static_cast<Normalization>(pick(1, 2));
  s.join_lines = static_cast<JoinLines>(pick(1, 4));
  if (bit(1, 6)) choice.source.format = SourceFormat::kJsonLines;
  if (bit(1, 7)) s.gutenberg = Gutenberg::kKeep;
  if (bit(2, 0)) s.line_ends = LineEnds::kKeep;
  s.lower_case = bit(2, 1);
  s.letters_only = bit(2, 2);
  s.collapse_blanks = bit(2, 3);
  s.transliterate = bit(2, 4) && bit(2, 5);  // rarely: it takes milliseconds to start
  if (bit(2, 6)) s.document_end = "\x1e";
  if (bit(2, 7)) s.on_error = OnError::kSkip;
  choice.block_bytes = 1 + byte(3) % 64;
  if (bit(3, 6) && bit(3, 7)) s.invisible_characters = InvisibleCharacters::kDrop;
  s.minimum_kept = std::array{0.0, 0.1, 0.5, 1.0}[byte(4) % 4];
  choice.source.json_field = "text";
  return choice;
}

// The decompressed file, unless it is too long.
std::optional<std::string> decompressed(const Source& source) {
  std::string bytes(kLongestText, '\0');
  ByteSource file(source.file);
  bytes.resize(file.read(bytes));
  if (bytes.size() == kLongestText) return std::nullopt;
  return bytes;
}

// All of a source, cleaned in blocks.
struct Cleaned {
  std::vector<std::string> documents;
  std::vector<uint64_t> lines;  // with JSON lines, the line of each document
  CleaningCounts counts;
  uint64_t lines_left_out = 0;
  std::string problem;
  std::string error;  // that ended it
};

void check_block(const CleanBlock& clean) {
  const std::string& text = clean.block.text;
  expect(find_malformed(text).bytes == 0, "clean text is valid UTF-8");
  const CleaningCounts& counts = clean.counts;
  int64_t changes = 0;
  CleaningCounts::visit_changes(counts, [&](const char*, int64_t change) { changes += change; });
  expect(static_cast<int64_t>(counts.decoded) + changes == static_cast<int64_t>(counts.kept),
         "characters decoded and all changes are those kept");
  size_t bytes = 0;
  uint64_t units = 0;
  for (const DocumentPart& part : clean.parts) {
    bytes += part.bytes;
    units += part.units;
  }
  expect(bytes == text.size(), "the parts are the text");
  expect(units == count_characters(text), "the parts have all characters");
}

Cleaned clean_in_blocks(const Choice& choice, const SourceFacts& facts, size_t block_bytes) {
  Cleaned all;
  try {
    SourceReader reader(choice.source, facts, choice.settings, block_bytes);
    DocumentCleaner cleaner(choice.settings);
    CleanBlock clean;
    bool last = false;
    for (bool first = true; reader.next(clean.block); first = false) {
      expect(!last && clean.block.first == first, "blocks know which of them is the first, and the last");
      last = clean.block.last;
      cleaner.clean(clean, choice.source);
      check_block(clean);
      size_t at = 0;
      for (const DocumentPart& part : clean.parts) {
        expect(part.begins || !all.documents.empty(), "a part that continues a document has a beginning");
        if (part.begins) {
          all.documents.emplace_back();
          all.lines.push_back(part.line);
        }
        all.documents.back().append(clean.block.text, at, part.bytes);
        at += part.bytes;
      }
      all.counts.add(clean.counts);
      if (all.lines_left_out == 0) all.problem = clean.problem;
      all.lines_left_out += clean.lines_left_out;
    }
    expect(last, "the last block is marked as the last");
  } catch (const Error& problem) {
    all.error = problem.what();
  }
  return all;
}

void expect_same(const Cleaned& whole, const Cleaned& blocks) {
  expect(whole.error == blocks.error, "blocks end with the same error");
  if (!whole.error.empty()) return;
  expect(whole.documents == blocks.documents, "text cleaned in blocks is text cleaned as a whole");
  expect(whole.lines == blocks.lines, "documents are on the same lines");
  expect(whole.lines_left_out == blocks.lines_left_out && whole.problem == blocks.problem,
         "the same lines are left out");
  expect(whole.counts.decoded == blocks.counts.decoded, "blocks have as many characters");
  expect(whole.counts.invalid == blocks.counts.invalid, "blocks have as many malformed sequences");
  std::vector<int64_t> changes;
  const auto note = [&](const char*, int64_t change) { changes.push_back(change); };
  CleaningCounts::visit_changes(whole.counts, note);
  const std::vector<int64_t> changes_of_whole = std::exchange(changes, {});
  CleaningCounts::visit_changes(blocks.counts, note);
  expect(changes == changes_of_whole, "each stage changes as much in blocks");
}

// Stages after normalisation may bring a letter and a mark together; earlier stages may have no effect.
void expect_normalized(const CorpusSettings& settings, const std::vector<std::string>& documents) {
  if (settings.normalization == Normalization::kNone || settings.join_lines != JoinLines::kNewline ||
      settings.collapse_blanks) {
    return;
  }
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = settings.normalization == Normalization::kNfc
                                     ? icu::Normalizer2::getNFCInstance(status)
                                     : icu::Normalizer2::getNFKCInstance(status);
  for (const std::string& document : documents) {
    expect(form->isNormalized(icu::UnicodeString::fromUTF8(document), status) != 0,
           "clean text is normalised");
  }
  expect(U_SUCCESS(status) != 0, "ICU works");
}

void check_survey(const std::string& bytes, size_t block_bytes) {
  ByteSurvey whole;
  whole.add(bytes);
  ByteSurvey merged;
  for (size_t at = 0; at < bytes.size();) {  // cut after line ends
    const size_t line_end = bytes.find('\n', std::min(at + block_bytes - 1, bytes.size()));
    const size_t end = line_end == std::string::npos ? bytes.size() : line_end + 1;
    ByteSurvey piece;
    piece.add(std::string_view(bytes).substr(at, end - at));
    merged.merge(piece);
    at = end;
  }
  expect(whole.malformed() == merged.malformed(), "pieces have as many malformed sequences");
  expect(whole.binary_reason() == merged.binary_reason(), "pieces look as binary");
  const Charset one = whole.decide();
  const Charset other = merged.decide();
  expect(one.name == other.name && one.evidence == other.evidence && one.mark_bytes == other.mark_bytes,
         "pieces are in the same charset");
}

void check_decoder(const std::string& charset, const std::string& bytes, size_t block_bytes) {
  CharsetDecoder in_one(charset, InvalidBytes::kReplace, "whole");
  std::string whole(in_one.decode(bytes));
  whole += in_one.finish();
  expect(find_malformed(whole).bytes == 0, "decoded text is valid UTF-8");
  CharsetDecoder in_blocks(charset, InvalidBytes::kReplace, "blocks");
  std::string joined;
  for (size_t at = 0; at < bytes.size(); at += block_bytes) {
    joined += in_blocks.decode(std::string_view(bytes).substr(at, block_bytes));
  }
  joined += in_blocks.finish();
  expect(joined == whole, "blocks are decoded as the whole");
  expect(in_blocks.invalid() == in_one.invalid(), "blocks have as many invalid sequences");
}

void check_scanner(const std::string& text, size_t block_bytes) {
  GutenbergScanner in_one;
  in_one.add(text);
  const std::vector<GutenbergScanner::Cut> cuts = in_one.finish();
  uint64_t end = 0;
  for (const GutenbergScanner::Cut& cut : cuts) {
    expect(cut.begin >= end && cut.begin < cut.end && cut.end <= text.size(), "cuts ascend within the text");
    end = cut.end;
  }
  GutenbergScanner in_blocks;
  for (size_t at = 0; at < text.size(); at += block_bytes) {
    in_blocks.add(std::string_view(text).substr(at, block_bytes));
  }
  expect(in_blocks.finish() == cuts, "Gutenberg's parts are the same in blocks");
}

void run(std::string_view input) {
  static const MemoryFile file;
  Choice choice = read_choice(input);
  file.write(input.substr(Choice::kBytes));
  choice.source.file = choice.source.name = file.path();
  choice.source.bytes = input.size() - Choice::kBytes;

  const std::optional<std::string> bytes = decompressed(choice.source);
  if (!bytes) return;
  check_survey(*bytes, choice.block_bytes);
  check_scanner(*bytes, choice.block_bytes);
  const std::vector<Examined> examined = examine({choice.source}, choice.settings, 1, [](uint64_t) {});
  expect(examined.size() == 1, "one source is examined");
  const SourceFacts& facts = examined[0].facts;
  if (!facts.charset.name.empty() && !is_utf8(facts.charset)) {
    check_decoder(facts.charset.name, *bytes, choice.block_bytes);
  }
  if (!examined[0].problem.empty()) return;
  const Cleaned whole = clean_in_blocks(choice, facts, SourceReader::kBlockBytes);
  expect_same(whole, clean_in_blocks(choice, facts, choice.block_bytes));
  expect_normalized(choice.settings, whole.documents);
}

}  // namespace
}  // namespace charrnn

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < charrnn::Choice::kBytes || size > charrnn::kLongestText) return 0;
  try {
    charrnn::run(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const charrnn::Error&) {
    return 0;  // anything else is a bug
  }
  return 0;
}
