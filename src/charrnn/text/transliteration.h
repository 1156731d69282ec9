// A stage of cleaning: letters of any script to ASCII, by ICU's compound transform `Any-Latin; Latin-ASCII`
// (Æ -> AE, ü -> u, Ж -> Z, 漢 -> han). Characters without a Latin form, such as emojis, stay.
#pragma once

#include <memory>
#include <string>

namespace charrnn {

// Not shared by threads: each has its own.
class Transliteration {
 public:
  Transliteration();
  ~Transliteration();

  // Valid UTF-8 in and out. Works line by line, because ICU's time grows with the square of the length.
  // Throws (kInput) at a line that would take minutes.
  void apply(std::string& utf8);

 private:
  struct Transform;
  std::unique_ptr<Transform> transform_;
};

}  // namespace charrnn
