// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.hpp"

namespace sluice::gateway {

// A moment whose wall time is right, for the log: what was recorded before, in the same boot, can
// be put right by it. The event ClockAnchored of stream sluice/clock (docs/event-format.md).
struct ClockAnchor {
  std::int64_t wall_ns = 0;
  core::Uuid boot;
  std::uint64_t monotonic_ns = 0;
  std::int64_t was_wall_ns = 0;  // what the clock would say now if nobody had set it

  std::string data() const;  // canonical MessagePack
};

// Sees when the wall clock becomes trusted, or is trusted and was set: then its distance from
// monotonic time has changed, for slewing moves both. Pure.
class ClockWatch {
 public:
  static constexpr std::int64_t kStepNs = 500'000'000;

  // To be called every second or so. A program that starts with a trusted clock anchors it as well:
  // the log may be from a boot of which it knows nothing yet.
  std::optional<ClockAnchor> look(const core::Clock& clock);

 private:
  bool begun_ = false;
  bool was_trusted_ = false;
  std::int64_t began_ns_ = 0;     // wall time at monotonic 0, at the last look
  std::int64_t anchored_ns_ = 0;  // and at the last anchor
};

}  // namespace sluice::gateway
