// A stage of reading: every line end becomes one LF. CR LF, CR CR LF (text that was converted twice) and a
// lone CR are line ends, wherever the blocks are cut.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace charrnn {

class LineEnds {
 public:
  // The block's characters, valid until the next call; CRs at its very end wait for what follows.
  std::u32string_view unify(std::u32string_view characters);
  // What still waited when the text ended.
  std::u32string_view finish();

 private:
  char32_t* put_pending(char32_t* out);

  int pending_ = 0;  // CRs, 0 to 2, whose LF may still come
  std::u32string out_;
};

}  // namespace charrnn
