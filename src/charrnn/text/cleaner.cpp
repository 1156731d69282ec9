#include "charrnn/text/cleaner.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <cstring>

#include "charrnn/core/error.h"
#include "charrnn/text/invisible.h"
#include "charrnn/text/normalizer.h"
#include "charrnn/text/transliteration.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

char lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void lower_case(std::string& text) {
  if (is_ascii(text)) {
    std::transform(text.begin(), text.end(), text.begin(), lower_ascii);
    return;
  }
  std::string lower;
  lower.reserve(text.size());
  icu::StringByteSink<std::string> sink(&lower);
  UErrorCode status = U_ZERO_ERROR;
  icu::CaseMap::utf8ToLower("", 0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink,
                            nullptr, status);
  check(U_SUCCESS(status) != 0, "ICU could not convert to lower case a text of ", text.size(),
        " bytes: ", u_errorName(status));
  text = std::move(lower);
}

// Runs `stage` and counts by how much it changed `size`, the number of characters.
template <class Stage>
void counted(std::string& text, uint64_t& size, int64_t& change, Stage stage) {
  stage(text);
  const uint64_t after = count_characters(text);
  change += static_cast<int64_t>(after) - static_cast<int64_t>(size);
  size = after;
}

}  // namespace

Cleaner::Cleaner(const CorpusSettings& settings) : settings_(settings) {
  if (settings.transliterate) transliteration_ = std::make_unique<Transliteration>();
}

Cleaner::~Cleaner() = default;

uint64_t Cleaner::clean(std::string& text, const std::string& origin, uint64_t offset,
                        CleaningCounts& counts) {
  TextCheck found = check_text(text, settings_.normalization);
  if (!found.valid) {
    counts.invalid += repair_utf8(text, settings_.invalid_bytes, origin, offset);
    found = check_text(text, settings_.normalization);
  }
  try {
    return run_stages(text, found, counts);
  } catch (const Error& problem) {
    throw Error(concat(origin, ": ", problem.what()), problem.kind());
  }
}

uint64_t Cleaner::run_stages(std::string& text, const TextCheck& found, CleaningCounts& counts) {
  uint64_t size = found.characters;
  counts.decoded += size;
  if (settings_.line_ends == LineEnds::kUnify && text.find('\r') != std::string::npos) {
    const size_t bytes = text.size();
    unify_line_ends(text);
    const size_t removed = bytes - text.size();  // each byte is a character
    counts.line_ends -= static_cast<int64_t>(removed);
    size -= removed;
  }
  if (settings_.invisible_characters == InvisibleCharacters::kDrop) {
    counted(text, size, counts.invisible_characters, drop_invisible);
  }
  if (!found.plain) {
    counted(text, size, counts.normalization, [&](std::string& t) { normalize(t, settings_.normalization); });
  }
  if (transliteration_) {
    counted(text, size, counts.transliterate, [&](std::string& t) {
      transliteration_->apply(t);
      normalize(t, settings_.normalization);
    });
  }
  if (settings_.lower_case) {
    counted(text, size, counts.lower_case, [&](std::string& t) {
      lower_case(t);
      normalize(t, settings_.normalization);
    });
  }
  if (settings_.letters_only) counted(text, size, counts.letters_only, keep_letters_only);
  if (settings_.join_lines != JoinLines::kNewline) {
    counted(text, size, counts.join_lines, [&](std::string& t) { join_lines(t, settings_.join_lines); });
  }
  if (settings_.collapse_blanks) counted(text, size, counts.collapse_blanks, collapse_blanks);
  counts.kept += size;
  return size;
}

void unify_line_ends(std::string& text) {
  char* out = text.data();
  const char* from = text.data();
  const char* const end = text.data() + text.size();
  while (from < end) {
    const auto* found = static_cast<const char*>(std::memchr(from, '\r', static_cast<size_t>(end - from)));
    const char* const stop = found == nullptr ? end : found;
    std::memmove(out, from, static_cast<size_t>(stop - from));
    out += stop - from;
    from = stop;
    if (from == end) break;
    *out++ = '\n';
    const auto next_is = [&](int ahead, char c) { return end - from > ahead && from[ahead] == c; };
    if (next_is(1, '\n')) {
      from += 2;
    } else {
      from += next_is(1, '\r') && next_is(2, '\n') ? 3 : 1;
    }
  }
  text.resize(static_cast<size_t>(out - text.data()));
}

void keep_letters_only(std::string& text) {
  char* out = text.data();
  bool line_has_letters = false;
  bool gap = false;  // something else since the last letter
  for (const char c : text) {
    const char letter = lower_ascii(c);
    if (letter >= 'a' && letter <= 'z') {
      if (gap && line_has_letters) *out++ = ' ';
      *out++ = letter;
      line_has_letters = true;
      gap = false;
    } else if (c == '\n') {
      *out++ = c;
      line_has_letters = gap = false;
    } else {
      gap = true;
    }
  }
  text.resize(static_cast<size_t>(out - text.data()));
}

void join_lines(std::string& text, JoinLines how) {
  if (how == JoinLines::kSpace) std::replace(text.begin(), text.end(), '\n', ' ');
  if (how == JoinLines::kNothing) std::erase(text, '\n');
}

void collapse_blanks(std::string& text) {
  char* out = text.data();
  const char* const end = text.data() + text.size();
  bool blank = false;
  int line_ends = 0;  // since anything else
  for (const char* at = text.data(); at < end;) {
    const char* const begin = at;
    const char32_t character = next_character(at);
    if (character == U' ' || (character != U'\n' && u_isblank(static_cast<UChar32>(character)) != 0)) {
      blank = true;
    } else if (character == U'\n') {
      blank = false;
      if (++line_ends <= 2) *out++ = '\n';
    } else {
      if (blank) *out++ = ' ';
      blank = false;
      line_ends = 0;
      out = std::copy(begin, at, out);
    }
  }
  if (blank) *out++ = ' ';
  text.resize(static_cast<size_t>(out - text.data()));
}

}  // namespace charrnn
