// SPDX-License-Identifier: Apache-2.0
#include "core/random.hpp"

#include <sys/random.h>

#include <algorithm>

#include "core/assert.hpp"

namespace sluice::core {

std::uint64_t Random::below(std::uint64_t bound) {
  SLUICE_ASSERT(bound > 0);
  // Rejecting the short last stretch keeps every value equally likely.
  const std::uint64_t limit = bound * (UINT64_MAX / bound);
  for (;;)
    if (const std::uint64_t value = next(); value < limit) return value % bound;
}

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  SLUICE_ASSERT(getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value));
  return value;
}

std::uint64_t SeededRandom::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Epoch draw_epoch(Random& random) {
  for (;;)
    if (const std::uint64_t value = random.next(); value != 0) return Epoch{value};
}

Uuid UuidV7::next(std::int64_t wall_ns) {
  const std::int64_t now_ms = std::max<std::int64_t>(wall_ns / 1'000'000, 0);
  if (now_ms > last_ms_ || last_ms_ - now_ms > kDriftMsMax) {
    last_ms_ = now_ms;
    counter_ = static_cast<std::uint32_t>(random_.next() & 0x7ff);
  } else if (++counter_ > 0xfff) {  // rand_a used as a counter, RFC 9562 section 6.2 method 1
    ++last_ms_;
    counter_ = 0;
  }
  Uuid id;
  for (std::size_t i = 0; i < 6; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(last_ms_ >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (counter_ >> 8));
  id.bytes[7] = static_cast<std::uint8_t>(counter_);
  const std::uint64_t tail = random_.next();
  for (std::size_t i = 0; i < 8; ++i) id.bytes[8 + i] = static_cast<std::uint8_t>(tail >> (8 * i));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

}  // namespace sluice::core
