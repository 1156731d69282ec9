// A stage of cleaning: letters of any script to ASCII, by ICU's compound transform `Any-Latin; Latin-ASCII`
// (Æ -> AE, ü -> u, Ж -> Z, 漢 -> han). What has no Latin form, such as an emoji, stays.
#pragma once

#include <memory>
#include <string>

namespace charrnn {

// One a thread.
class Transliteration {
 public:
  Transliteration();
  ~Transliteration();

  // Valid UTF-8 in and out. Line by line: ICU's time grows with the square of the length. Throws (exit code
  // 2) at a line that would take minutes.
  void apply(std::string& utf8);

 private:
  struct Transform;
  std::unique_ptr<Transform> transform_;
};

}  // namespace charrnn
