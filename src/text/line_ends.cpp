#include "text/line_ends.h"

#include <algorithm>

namespace charrnn {

std::u32string_view LineEnds::unify(std::u32string_view characters) {
  if (pending_ == 0 && characters.find(U'\r') == std::u32string_view::npos) return characters;
  if (out_.size() < characters.size() + 2) out_.resize(characters.size() + 2);
  char32_t* out = out_.data();
  const char32_t* from = characters.data();
  const char32_t* const end = from + characters.size();
  while (from < end) {
    if (*from == U'\r') {
      if (pending_ == 2) *out++ = U'\n';  // the first of three was a line end of its own
      pending_ = std::min(pending_ + 1, 2);
      ++from;
    } else if (pending_ > 0 && *from == U'\n') {
      *out++ = U'\n';
      pending_ = 0;
      ++from;
    } else {
      out = put_pending(out);
      while (from < end && *from != U'\r') *out++ = *from++;
    }
  }
  return {out_.data(), static_cast<size_t>(out - out_.data())};
}

std::u32string_view LineEnds::finish() {
  if (out_.size() < 2) out_.resize(2);
  return {out_.data(), static_cast<size_t>(put_pending(out_.data()) - out_.data())};
}

// CRs that no LF followed were line ends each.
char32_t* LineEnds::put_pending(char32_t* out) {
  for (; pending_ > 0; --pending_) *out++ = U'\n';
  return out;
}

}  // namespace charrnn
