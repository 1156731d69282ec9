#include "charrnn/text/gutenberg/gutenberg.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace charrnn {

using gutenberg::first_word;
using gutenberg::is_credit;
using gutenberg::is_end_word;
using gutenberg::is_foot_text;
using gutenberg::is_rule;
using gutenberg::is_space;
using gutenberg::kHeadBytes;
using gutenberg::kind_of;
using gutenberg::kLongestMarkerBytes;
using gutenberg::LineKind;
using gutenberg::lower_case;
using gutenberg::may_be_marker;
using gutenberg::names_gutenberg;
using gutenberg::same_title;

namespace {

constexpr uint64_t kLongestBareHeader = 60;  // lines before a START without any known opening
constexpr uint64_t kRememberAfterMarker = 130;
constexpr uint64_t kRememberAfterMention = 60;
constexpr size_t kLongestGap = 45;      // lines of a licence that do not name Gutenberg; 34 are known
constexpr size_t kLongestHeader = 500;  // 278 are known
constexpr size_t kLongestRun = 20000;

}  // namespace

void GutenbergScanner::add(std::string_view utf8) {
  const char* from = utf8.data();
  const char* const end = from + utf8.size();
  const uint64_t base = line_begin_ + length_ + crs_;  // position of the block's first byte in the text
  const auto place = [&](const char* p) { return base + static_cast<uint64_t>(p - utf8.data()); };
  const auto find = [&](char c, const char* p) {
    const void* found = std::memchr(p, c, static_cast<size_t>(end - p));
    return found ? static_cast<const char*>(found) : end;
  };
  if (from == end) return;
  const char* lf = find('\n', from);  // the next one at or after `from`, or `end`
  const char* cr = find('\r', from);
  while (from < end) {
    if (lf < from) lf = find('\n', from);
    if (cr < from) cr = find('\r', from);
    if (crs_ > 0) {
      if (*from == '\r') {
        ++crs_;
        ++from;
        continue;
      }
      if (*from == '\n') {
        crs_ = 0;
        end_line({}, place(++from));
        continue;
      }
      end_lone_crs();
    }
    const char* const stop = std::min(lf, cr);
    const std::string_view piece(from, static_cast<size_t>(stop - from));
    from = stop + 1;
    if (stop == end) {
      extend_line(piece);
    } else if (stop == lf) {
      end_line(piece, place(from));
    } else if (from == lf && from < end) {
      end_line(piece, place(++from));
    } else {
      extend_line(piece);
      crs_ = 1;
    }
  }
}

void GutenbergScanner::extend_line(std::string_view piece) {
  if (head_.size() < kHeadBytes) head_ += piece.substr(0, kHeadBytes - head_.size());
  length_ += piece.size();
  for (size_t i = piece.size(); i > 0; --i) {
    if (is_space(piece[i - 1])) continue;
    last_ = piece[i - 1];
    break;
  }
}

// The line's last piece, without its line end; `end` is after the line end.
void GutenbergScanner::end_line(std::string_view piece, uint64_t end) {
  if (length_ == 0) {
    size_t n = piece.size();
    while (n > 0 && is_space(piece[n - 1])) --n;
    take_line(piece.substr(0, kHeadBytes), piece.size(), n == 0, n > 0 ? piece[n - 1] : '\0', end);
  } else {
    extend_line(piece);
    take_line(head_, length_, last_ == 0, last_, end);
    head_.clear();
    length_ = 0;
    last_ = 0;
  }
  line_begin_ = end;
}

// No LF followed, so each CR was a line end.
void GutenbergScanner::end_lone_crs() {
  for (size_t n = std::exchange(crs_, 0); n > 0; --n) end_line({}, line_begin_ + length_ + 1);
}

void GutenbergScanner::take_line(std::string_view head, size_t length, bool blank, char last, uint64_t end) {
  if (head.starts_with("\uFEFF")) {
    head.remove_prefix(3);
    blank = length == 3 || blank;
  }
  if (blank) {
    blank_begin_ = line_begin_;
    after_blank_ = true;
    return;
  }
  size_t spaces = 0;
  while (spaces < head.size() && is_space(head[spaces])) ++spaces;
  head.remove_prefix(spaces);
  const char first = head.empty() ? '\0' : head[0];
  if ((first == '*' || first == '=') && is_rule(head, length)) {
    blank_begin_ = UINT64_MAX;
    after_blank_ = true;
    return;
  }
  ++number_;
  const bool marker = length <= kLongestMarkerBytes && may_be_marker(head, length, after_blank_);
  if (marker || number_ <= remember_until_ || !run_.empty()) {
    if (!run_.empty()) {
      run_.back().text_after = line_begin_;
      run_.back().spaced_after = std::min(blank_begin_, line_begin_);
    }
    if (marker || number_ <= remember_until_) {
      if (run_.size() == kLongestRun) decide(false);
      remember(head, length, marker, last);
    } else {
      decide(false);
    }
  }
  text_end_ = end;
  after_blank_ = false;
  blank_begin_ = UINT64_MAX;
}

void GutenbergScanner::remember(std::string_view head, size_t length, bool marker, char last) {
  while (!head.empty() && is_space(head.back())) head.remove_suffix(1);
  Line line;
  line.text_before = text_end_;
  line.number = number_;
  line.starts_paragraph = after_blank_ || (!run_.empty() && (run_.back().kind == LineKind::kLicenceEnd ||
                                                             run_.back().kind == LineKind::kSmallEnd));
  line.starred = last == '*';
  line.text = lower_case(head);
  line.names_gutenberg = length <= kLongestMarkerBytes && names_gutenberg(line.text);
  line.kind = length <= kHeadBytes || (line.starred && length <= kLongestMarkerBytes)
                  ? kind_of(head, line.text)
                  : LineKind::kNone;
  if (line.kind != LineKind::kNone) {
    remember_until_ = std::max(remember_until_, number_ + kRememberAfterMarker);
  } else if (line.names_gutenberg) {
    remember_until_ = std::max(remember_until_, number_ + kRememberAfterMention);
  } else if (marker) {
    remember_until_ = std::max(remember_until_, number_ + 5);
  }
  run_.push_back(std::move(line));
}

std::vector<GutenbergScanner::Cut> GutenbergScanner::finish() {
  if (length_ > 0 || crs_ > 0) {
    if (crs_ > 0)
      end_lone_crs();
    else
      end_line({}, line_begin_ + length_);
  }
  const uint64_t size = line_begin_;
  if (!run_.empty()) {
    const bool at_end = run_.back().number == number_;
    if (at_end) run_.back().text_after = run_.back().spaced_after = size;
    decide(at_end);
  }
  std::vector<Cut> cuts;
  for (const Region& region : regions_) {
    const bool between = region.begin > 0 && region.text_after < size;
    cuts.push_back({region.begin, between ? region.spaced_after : region.text_after});
  }
  return cuts;
}

// Goes through the remembered lines once and cuts those that are Gutenberg's.
void GutenbergScanner::decide(bool at_end) {
  size_t floor = 0;  // the first line that no cut has taken
  for (size_t i = 0; i < run_.size();) {
    uint64_t begin = run_[i].text_before;
    size_t last = run_.size();  // none
    switch (run_[i].kind) {
      case LineKind::kStart:
        begin = header_begin(i, floor);
        last = credits_end(marker_end(i));
        break;
      case LineKind::kSmallEnd:
        begin = at_end && i + 1 == run_.size() ? small_print_begin(i, floor) : header_begin(i, floor);
        last = credits_end(i);
        break;
      case LineKind::kEnd:
        last = licence_end(marker_end(i), at_end);
        break;
      case LineKind::kLicence:
        if (is_lone_licence(i)) last = licence_end(i - 1, at_end);
        break;
      case LineKind::kBanner:
        begin = run_[release_before(i, floor)].text_before;
        last = banner_end(i, floor);
        break;
      default:
        if (is_foot(i)) last = licence_end(paragraph_end(i), at_end);
        break;
    }
    if (last == run_.size()) {
      ++i;
    } else {
      cut(begin, last);
      i = floor = last + 1;
    }
  }
  run_.clear();
}

void GutenbergScanner::cut(uint64_t begin, size_t last) {
  seen_marker_ = true;
  if (!regions_.empty() && begin <= regions_.back().text_after) {
    begin = regions_.back().begin;
    regions_.pop_back();
  }
  regions_.push_back({begin, run_[last].text_after, run_[last].spaced_after});
}

// A header begins at its first opening; the lines after that name Gutenberg now and then. The banner of
// another title belongs to another header.
uint64_t GutenbergScanner::header_begin(size_t marker, size_t floor) const {
  size_t first = marker;
  size_t named = marker;
  size_t banner = marker;
  for (size_t i = marker; i-- > floor && named - i <= kLongestGap && marker - i <= kLongestHeader;) {
    const Line& line = run_[i];
    if (line.kind == LineKind::kBanner && line.starts_paragraph) {
      if (banner != marker && !same_title(line.text, run_[banner].text)) break;
      banner = i;
    }
    if (line.names_gutenberg || line.kind != LineKind::kNone) named = i;
    if (line.kind == LineKind::kBanner || line.kind == LineKind::kOpening ||
        line.kind == LineKind::kSmallStart || line.kind == LineKind::kLicence ||
        (line.names_gutenberg && line.number <= kFirstLines))
      first = i;
  }
  if (first == marker && !seen_marker_ && run_[marker].number <= kLongestBareHeader) return 0;
  if (run_[first].kind == LineKind::kNone) return 0;  // a mention among the first lines: a header's rest
  return run_[release_before(first, floor)].text_before;
}

// Small print at the end of a text must not be taken to begin inside the text.
uint64_t GutenbergScanner::small_print_begin(size_t marker, size_t floor) const {
  for (size_t i = marker; i-- > floor && marker - i <= kLongestHeader;)
    if (run_[i].kind == LineKind::kSmallStart) return run_[i].text_before;
  return run_[marker].text_before;
}

// Whether the line is in a header: only a header's lines follow, up to the header's end.
bool GutenbergScanner::header_end_follows(size_t i) const {
  const size_t first = i;
  for (size_t named = i++; i < run_.size() && i - named <= kLongestGap && i - first <= kLongestHeader; ++i) {
    const LineKind kind = run_[i].kind;
    if (kind == LineKind::kStart || kind == LineKind::kSmallEnd) return true;
    if (kind == LineKind::kEnd || is_foot(i)) return false;
    if (run_[i].names_gutenberg) named = i;
  }
  return false;
}

// A marker that does not end with asterisks may continue in the next lines, up to one that does.
size_t GutenbergScanner::marker_end(size_t i) const {
  for (size_t last = i; last < run_.size() && last <= i + 3; ++last) {
    if (last > i && run_[last].starts_paragraph) break;
    if (run_[last].starred) return last;
  }
  return i;
}

size_t GutenbergScanner::paragraph_end(size_t i) const {
  for (; i + 1 < run_.size() && !run_[i + 1].starts_paragraph; ++i) {
    const LineKind kind = run_[i + 1].kind;
    if (kind == LineKind::kEnd || kind == LineKind::kStart || kind == LineKind::kLicence ||
        kind == LineKind::kSmallStart)
      break;
  }
  return i;
}

// A short paragraph that begins like a footer, or a line just before *** END. "End of" may be alone in the
// first line.
bool GutenbergScanner::is_foot(size_t i) const {
  std::string text = run_[i].text;
  if (run_[i].kind != LineKind::kFoot) {
    if (i + 1 == run_.size() || run_[i + 1].starts_paragraph || !is_end_word(first_word(text))) return false;
    text += ' ' + run_[i + 1].text;
    if (!is_foot_text(text)) return false;
  }
  if (run_[i].starts_paragraph && paragraph_end(i) < i + 5) return true;
  for (size_t j = i + 1; j < run_.size() && j <= i + 4; ++j)
    if (run_[j].kind == LineKind::kEnd) return true;
  return false;
}

// A licence without *** END: several of its lines, outside of a header.
bool GutenbergScanner::is_lone_licence(size_t i) const {
  if (header_end_follows(i)) return false;
  int named = 0;
  for (size_t j = i; j < run_.size() && j < i + 8; ++j) named += run_[j].names_gutenberg;
  return named >= 2;
}

// Extends a footer from its last line by what follows within four lines and looks like part of it, finally
// the licence. Without a known last line the licence ends at the last mention of Gutenberg.
size_t GutenbergScanner::licence_end(size_t last, bool at_end) const {
  size_t i = last + 1;
  for (;; ++i) {
    if (i >= run_.size() || i > last + 4) return last;
    const LineKind kind = run_[i].kind;
    if (kind == LineKind::kBanner || kind == LineKind::kOpening || kind == LineKind::kStart) return last;
    if (kind == LineKind::kLicence || kind == LineKind::kLicenceEnd || kind == LineKind::kSmallStart) break;
    if (kind == LineKind::kEnd)
      i = last = marker_end(i);
    else if (is_foot(i))
      i = last = paragraph_end(i);
  }
  size_t named = i;
  bool ended = false;  // by the usual last line; a few paragraphs may still follow
  for (; i < run_.size(); ++i) {
    const Line& line = run_[i];
    if (line.kind == LineKind::kSmallEnd) return credits_end(i);
    if (line.starts_paragraph && (line.kind == LineKind::kBanner || line.kind == LineKind::kOpening)) break;
    if (line.kind == LineKind::kStart || i - named > (ended ? 6 : kLongestGap)) break;
    if (line.names_gutenberg || line.kind == LineKind::kLicenceEnd) named = i;
    ended = ended || line.kind == LineKind::kLicenceEnd;
  }
  if (at_end && !ended && i == run_.size() && i - named <= 12) return i - 1;
  return paragraph_end(named);
}

// Extends the cut over paragraphs that are credits.
size_t GutenbergScanner::credits_end(size_t last) const {
  for (int paragraphs = 0; paragraphs < 8 && last + 1 < run_.size(); ++paragraphs) {
    std::string text;
    size_t i = last + 1;
    for (; i < run_.size() && (i == last + 1 || !run_[i].starts_paragraph); ++i) {
      if (run_[i].kind != LineKind::kNone) return last;
      text += run_[i].text + ' ';
    }
    if (i - last > 17 || !is_credit(text)) return last;
    last = i - 1;
  }
  return last;
}

// A title banner alone, without a header's end. The cut includes everything up to a repetition of the banner,
// and the credits after it. If it is the first marker, it must be in asterisks or have a release line.
size_t GutenbergScanner::banner_end(size_t banner, size_t floor) const {
  const size_t none = run_.size();
  const Line& line = run_[banner];
  if (!line.starts_paragraph || header_end_follows(banner)) return none;
  size_t last = paragraph_end(banner);
  if (last > banner + 2) return none;
  const bool in_asterisks = line.text[0] == '*' && line.starred;
  if (!seen_marker_ && !in_asterisks && release_before(banner, floor) == banner) return none;
  for (size_t i = last + 1; i < run_.size() && i <= banner + 60; ++i) {
    const LineKind kind = run_[i].kind;
    if (kind == LineKind::kStart || kind == LineKind::kEnd || kind == LineKind::kSmallEnd || is_foot(i))
      break;
    if (kind == LineKind::kBanner && run_[i].starts_paragraph && same_title(line.text, run_[i].text))
      last = paragraph_end(i);
  }
  return credits_end(last);
}

// The first line of a paragraph with "[Etext #5]" right before a banner, or the banner itself.
size_t GutenbergScanner::release_before(size_t banner, size_t floor) const {
  if (!run_[banner].starts_paragraph) return banner;
  for (size_t i = banner; i-- > floor && i + 4 >= banner;) {
    if (!run_[i].starts_paragraph) continue;
    return run_[i].kind == LineKind::kRelease ? i : banner;
  }
  return banner;
}

}  // namespace charrnn
