// UTF-8 to code points, in blocks, and back. Malformed bytes are an error that names file, offset and the
// bytes. Runs of ASCII are widened directly; everything else goes through ICU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace charrnn {

// A stage of reading: a block of bytes goes in, its characters come out, wherever the blocks are cut.
class Utf8Decoder {
 public:
  // A byte order mark at the very start of a file is not part of its text.
  enum class ByteOrderMark { kDrop, kKeep };
  explicit Utf8Decoder(std::string origin, ByteOrderMark mark = ByteOrderMark::kDrop)
      : origin_(std::move(origin)), may_drop_(mark == ByteOrderMark::kDrop) {}

  // The characters that end in this block, valid until the next call.
  std::u32string_view decode(std::string_view bytes);
  // Throws where the text ended inside a character.
  void finish() const;

 private:
  const char* widen(const char* from, const char* end);
  void complete_pending(std::string_view& bytes);
  void put(char32_t character);
  [[noreturn]] void fail_malformed(std::string_view bytes, uint64_t offset, const char* what) const;

  std::string origin_;
  uint64_t offset_ = 0;  // of the block, in bytes from the start
  std::string pending_;  // a character that the last block began, up to 3 bytes
  bool may_drop_;        // no character came yet
  std::u32string out_;
  size_t size_ = 0;  // characters in out_
};

void append_utf8(char32_t character, std::string& out);

// "'a' (U+0061)", "U+000A": how messages name a character.
std::string character_name(char32_t character);

}  // namespace charrnn
