// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>

#include "core/event.hpp"

namespace sluice::sync {

// What is known of the true time, boot by boot: one moment of a boot whose wall time was trusted
// tells how wrong the clock was at every other moment of it. Pure.
class ClockBook {
 public:
  static constexpr std::size_t kBootsMax = 64;  // the oldest is forgotten
  static constexpr std::int64_t kWorthTellingNs = 100'000'000;

  // Wall time was right then. Later words on a boot replace earlier ones.
  void learn(const core::Uuid& boot, std::int64_t wall_ns, std::uint64_t monotonic_ns);
  // What to add to the recorded wall time. 0: it was trusted when it was recorded, nothing is known
  // of its boot, or there is nothing worth telling.
  std::int64_t correction(const core::Recorded& recorded) const;
  // The latest trusted wall time that was learnt; 0: none. The true time is not before it.
  std::int64_t newest_ns() const { return newest_ns_; }

 private:
  struct Boot {
    core::Uuid id;
    std::int64_t began_ns = 0;  // wall time at monotonic 0
  };
  std::deque<Boot> boots_;  // oldest first
  std::int64_t newest_ns_ = 0;
};

}  // namespace sluice::sync
