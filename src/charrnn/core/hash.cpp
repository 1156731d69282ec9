#include "charrnn/core/hash.h"

#include <xxhash.h>

#include <array>
#include <cstdio>

#include "charrnn/core/error.h"

namespace charrnn {

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  ~State() { XXH3_freeState(xxh); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  check(XXH3_128bits_reset(state_->xxh) == XXH_OK, "xxHash could not start");
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

std::string Hasher::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text.data();
}

std::string hash_hex(std::string_view text) {
  Hasher hasher;
  hasher.add(text);
  return hasher.hex();
}

uint64_t hash_number(std::string_view text) {
  return XXH3_128bits(text.data(), text.size()).high64;
}

}  // namespace charrnn
