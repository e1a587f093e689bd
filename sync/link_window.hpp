// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/ids.hpp"
#include "sync/effects.hpp"

namespace sluice::sync {

struct LinkWindowSettings {
  std::size_t bytes_max = 128 * 1024;
  std::size_t bytes_min = 4 * 1024;
  std::size_t bytes_start = 16 * 1024;  // of a session, until the first answers have come
  Time delay{500};                      // how much of the link's time may be in flight
  Time probe_every{30'000};
};

// How many bytes all lanes of a session together may have in flight. An alarm that is appended now
// leaves behind what is in flight, so on a thin link that must be little: what the link carries in
// `delay`, or in some round trips if these take longer. The rate is measured from the answers, the
// round trip is the shortest of late; every now and then the window is drawn in to measure it
// without the queue that the window itself makes. Pure.
class LinkWindow {
 public:
  // What was so when something was sent; comes back with its answer.
  struct Sent {
    Time at{0};
    std::uint64_t answered = 0;
    bool filled = false;  // the window was full: then the link's rate shows, not the sender's
    bool probe = false;
  };

  explicit LinkWindow(const LinkWindowSettings& settings) : settings_(settings) { begin(); }

  void begin();  // a session: nothing is in flight, nothing is known of the link
  // Lanes of lower priority do not count: what they have in flight is all that a lane waits for.
  bool has_room(core::Lane lane, std::size_t bytes) const;
  Sent sent(core::Lane lane, std::size_t bytes, Time now);
  void answered(core::Lane lane, std::size_t bytes, const Sent& sent, Time now);
  void forget(core::Lane lane) { in_flight_[core::index(lane)] = 0; }

  std::size_t limit() const;
  std::uint64_t rate() const;  // bytes per second; 0: not known
  Time round_trip() const { return round_trip_; }

 private:
  std::size_t before(core::Lane lane) const;
  void see_rate(std::uint64_t rate, bool filled, Time now);
  void see_round_trip(Time time, const Sent& sent, Time now);

  LinkWindowSettings settings_;
  std::array<std::size_t, core::kLaneCount> in_flight_{};
  std::uint64_t answered_ = 0;  // bytes of this session
  std::uint64_t rate_ = 0;      // the highest of the last five seconds in which the window was full
  std::uint64_t rate_before_ = 0;  // and of the five before
  Time rate_since_{0};
  Time round_trip_{0};  // 0: not known
  Time round_trip_at_{0};
  bool probing_ = false;
  Time probing_since_{0};
  std::size_t limit_ = 0;
};

}  // namespace sluice::sync
