// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sync/effects.hpp"

namespace sluice::sync {

// Whether the uplink gets on, for the supervisor's watchdog: it does while nothing has to move, and
// while its count of moves has grown within `limit`. A hub that refuses or is away is no hang: its
// answers, and attempts to reach it, are moves. Pure.
class ProgressPulse {
 public:
  explicit ProgressPulse(Time limit) : limit_(limit) {}
  bool beats(std::uint64_t moves, bool rests, Time now);

 private:
  Time limit_;
  std::uint64_t moves_ = 0;
  Time moved_{0};
  bool begun_ = false;
};

}  // namespace sluice::sync
