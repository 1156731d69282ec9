#include "charrnn/evaluate/loss.h"

namespace charrnn {

const char* bits_label(Unit unit) {
  return unit == Unit::kByte ? "bits/byte" : "bits/char";
}

const char* bits_key(Unit unit) {
  return unit == Unit::kByte ? "bits_per_byte" : "bits_per_character";
}

}  // namespace charrnn
