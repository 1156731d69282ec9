#include "charrnn/text/gutenberg/gutenberg_line.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace charrnn::gutenberg {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

bool contains(std::string_view s, std::string_view part) {
  return s.find(part) != std::string_view::npos;
}

// Whether `part` is at the start of a word: "etext", not "pretext".
bool has_word(std::string_view s, std::string_view part) {
  for (size_t i = s.find(part); i != std::string_view::npos; i = s.find(part, i + 1))
    if (i == 0 || !is_letter(s[i - 1])) return true;
  return false;
}

std::string_view without(std::string_view s, std::string_view characters) {
  return s.substr(std::min(s.find_first_not_of(characters), s.size()));
}

bool is_start_word(std::string_view word) {
  constexpr std::array<std::string_view, 10> kWords = {"start", "begin", "beginning", "beginn", "anfang",
                                                       "debut", "début", "inicio",    "início", "inizio"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

// The rest of the line after "The Project Gutenberg Etext" (or Ebook, ...); empty if this is not a banner.
std::string_view banner_rest(std::string_view lower) {
  lower = without(lower, "* ");
  if (lower.starts_with("this is the ")) lower.remove_prefix(8);
  if (lower.starts_with("the ")) lower.remove_prefix(4);
  if (!lower.starts_with("project gutenberg")) return {};
  lower.remove_prefix(17);
  if (lower.starts_with("'s")) lower.remove_prefix(2);
  lower = without(lower, " ");
  for (const std::string_view name : {"etext", "ebook", "e-text", "e-book"}) {
    if (!lower.starts_with(name)) continue;
    lower.remove_prefix(name.size());
    if (lower.starts_with(" of ") || lower.starts_with(", ") || lower.starts_with(' ')) return lower;
    return {};
  }
  return {};
}

}  // namespace

bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

std::string lower_case(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (size_t i = 0; i < s.size(); ++i) {
    if (s.substr(i, 3) == "\u2019") {
      out += '\'';
      i += 2;
    } else {
      out += s[i] >= 'A' && s[i] <= 'Z' ? static_cast<char>(s[i] - 'A' + 'a') : s[i];
    }
  }
  return out;
}

std::string_view first_word(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && is_letter(s[n])) ++n;
  return s.substr(0, n);
}

bool is_end_word(std::string_view word) {
  constexpr std::array<std::string_view, 9> kWords = {"end",   "ende",  "fin",  "fine", "fim",
                                                      "final", "einde", "slut", "loppu"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

bool names_gutenberg(std::string_view lower) {
  return contains(lower, "gutenberg") || contains(lower, "small print") || has_word(lower, "etext") ||
         has_word(lower, "ebook") || has_word(lower, "e-text") || has_word(lower, "e-book");
}

bool is_foot_text(std::string_view lower) {
  lower = without(lower, "* ");
  if (lower.starts_with("here ends ")) lower.remove_prefix(5);
  if (!is_end_word(first_word(lower)) && !lower.starts_with("ends")) return false;
  std::string_view before;
  for (int n = 0; n < 9; ++n) {
    const std::string_view word = first_word(lower);
    if (word.starts_with("gutenberg") && (before.starts_with("proje") || before.starts_with("proye") ||
                                          before.starts_with("proge") || before.starts_with("proie")))
      return true;
    before = word;
    lower.remove_prefix(word.size());
    lower = lower.substr(std::min(lower.find_first_of("abcdefghijklmnopqrstuvwxyz"), lower.size()));
  }
  return false;
}

bool same_title(std::string_view a, std::string_view b) {
  const auto letters = [](std::string_view s) {
    s = banner_rest(s);
    if (s.starts_with(" of ")) s.remove_prefix(4);
    s = s.substr(0, s.find(" by "));
    std::string out;
    for (const char c : s)
      if (is_letter(c)) out += c;
    return out;
  };
  const std::string x = letters(a), y = letters(b);
  return x == y || (std::min(x.size(), y.size()) >= 3 && (x.starts_with(y) || y.starts_with(x)));
}

bool is_credit(std::string_view lower) {
  lower = without(lower, "[(*_\"' ");
  for (const std::string_view opening :
       {"produced by", "transcribed by", "transcribed from", "scanned by", "scanned and", "typed by",
        "this book was typed", "digitized by", "digitised by", "proofread", "html version by",
        "officially released", "officially re-released", "credits:"})
    if (lower.starts_with(opening)) return true;
  for (const std::string_view part : {"project gutenberg", "projekt gutenberg", "gutenberg projekt",
                                      "gutenberg-projekt", "pgdp.net", "distributed proofread", "scanned by",
                                      "proofread by", "electronic edition", "electronic book", "gallica.bnf"})
    if (contains(lower, part)) return true;
  return has_word(lower, "etext") || has_word(lower, "e-text");
}

bool is_rule(std::string_view head, size_t length) {
  while (!head.empty() && is_space(head.back())) head.remove_suffix(1);
  while (!head.empty() && is_space(head.front())) head.remove_prefix(1);
  return length <= kHeadBytes && head.size() >= 3 && (head[0] == '*' || head[0] == '=') &&
         head.find_first_not_of(head[0]) == std::string_view::npos;
}

bool may_be_marker(std::string_view line, size_t length, bool starts_paragraph) {
  switch (line.empty() ? '\0' : line[0]) {
    case '*':
      for (const std::string_view part :
           {"utenberg", "UTENBERG", "PRINT", "LICENSE", "should be named", "Plain Vanilla"})
        if (contains(line, part)) return true;
      break;
    case 'H':
      return starts_paragraph && line.starts_with("Here ends the Project");
    case 'T':
      if (line.starts_with("The P") || line.starts_with("THE P") || line.starts_with("This is the P"))
        return starts_paragraph && contains(lower_case(line.substr(0, 40)), "the project gutenberg");
      break;
    case 'P':
      if (line.starts_with("Pro") || line.starts_with("PRO"))
        return starts_paragraph && lower_case(line.substr(0, 17)) == "project gutenberg";
      break;
    case 'E':
    case 'F':
    case 'L':
    case 'S': {
      const std::string_view word = first_word(line);
      if (word.size() > 5 || !is_end_word(lower_case(word))) break;
      return length <= 40 || contains(line, "utenberg") || contains(line, "UTENBERG");
    }
    default:
      break;
  }
  if (!starts_paragraph || std::memchr(line.data(), '#', line.size()) == nullptr) return false;
  return contains(line, "text #") || contains(line, "ook #");
}

LineKind kind_of(std::string_view line, std::string_view lower) {
  const size_t stars = std::min(lower.find_first_not_of('*'), lower.size());
  const std::string_view text = without(lower, "* ");
  const std::string_view word = first_word(text);
  const bool gutenberg = contains(text, "gutenberg");
  if (stars > 0 && (is_start_word(word) || is_end_word(word))) {
    const bool start = is_start_word(word);
    if (contains(text, "small print")) return start ? LineKind::kSmallStart : LineKind::kSmallEnd;
    if (contains(text, "full license")) return start ? LineKind::kLicence : LineKind::kLicenceEnd;
    if (gutenberg && stars > 1 && start) return LineKind::kStart;
    const char second = without(line, "* ").substr(1, 1)[0];
    if (gutenberg && stars > 1 && !(second >= 'a' && second <= 'z')) return LineKind::kEnd;
  }
  if (is_foot_text(text)) return LineKind::kFoot;
  if (text.starts_with("this is a copyrighted project gutenberg"))
    return contains(text, "above") ? LineKind::kFoot : LineKind::kOpening;
  if (!banner_rest(text).empty()) return LineKind::kBanner;
  if (text.starts_with("project gutenberg's ") ||
      text.starts_with("welcome to the world of free plain vanilla"))
    return LineKind::kOpening;
  for (const std::string_view opening :
       {"this file should be named", "corrected editions of our e", "versions based on separate sources",
        "updated editions will replace the previous one", "creating the works from p",
        "section 1. general terms of use", "section 1.  general terms of use",
        "the full project gutenberg license", "this and all associated files of various formats"})
    if (text.starts_with(opening)) return LineKind::kLicence;
  if (contains(text, "hear about new ebooks")) return LineKind::kLicenceEnd;
  if (contains(text, "[etext #") || contains(text, "[ebook #")) return LineKind::kRelease;
  return LineKind::kNone;
}

}  // namespace charrnn::gutenberg
