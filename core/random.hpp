// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/ids.hpp"

namespace sluice::core {

// A source of random bits, handed in so that a test can repeat a run. One thread per object.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
};

// getrandom(2); safe for epochs and ids. Any thread.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

// SplitMix64: the same seed gives the same run. For tests and for jitter, never for epochs.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

Epoch draw_epoch(Random& random);

// UUIDv7 (RFC 9562). Ids from one object ascend even when the wall clock steps back: the time part
// is max(last, now), and runs at most `kDriftMsMax` ahead of the clock that it was given, so that a
// clock that once was years ahead does not mark ids for ever. One thread.
class UuidV7 {
 public:
  explicit UuidV7(Random& random) : random_(random) {}
  Uuid next(std::int64_t wall_ns);

 private:
  static constexpr std::int64_t kDriftMsMax = 60'000;
  Random& random_;
  std::int64_t last_ms_ = 0;
  std::uint32_t counter_ = 0;
};

}  // namespace sluice::core
