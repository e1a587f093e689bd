// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/ids.hpp"
#include "sync/effects.hpp"

namespace sluice::sync {

// What `status` shows of the link: the map of the `link` notification, docs/protocol.md.
struct LinkStatus {
  std::string state;          // up, connecting, down, stopped
  std::int64_t since_ns = 0;  // wall clock
  std::string last_error;
  std::int64_t next_try_ms = 0;  // from now; 0: none is due
  std::string url;
  std::string server;
  std::uint64_t bytes_sent_today = 0;  // NATS protocol, since 00:00 UTC or this program's start
  std::uint64_t bytes_received_today = 0;
  std::string hub_stream;
  std::string hub_created;
  struct LaneStatus {
    core::Seq acked = 0;
    core::Seq sent = 0;
    double rate = 0;            // events acked per second, over the last seconds
    std::uint64_t rewinds = 0;  // begun since this program's start
    std::uint64_t rewound_events = 0;
  };
  std::array<LaneStatus, core::kLaneCount> lanes;
  std::string clone;            // why this gateway stopped, empty if it did not
  std::string report;           // why the report could not be written, empty if it could
  std::string rewind;           // what is sent again, or waits for an operator; empty if nothing is
  std::uint64_t link_rate = 0;  // bytes per second, as measured; 0: not known
  std::uint64_t window_bytes = 0;  // how much may be in flight
};
std::string pack_link_status(const LinkStatus& status);

// Keeps what status needs over time: since when, bytes per day, rates.
class LinkMeter {
 public:
  void state(const std::string& state, std::int64_t wall_ns);
  std::int64_t since_ns() const { return since_ns_; }
  // Totals of the session that is open now; they start from 0 with each.
  void session_bytes(std::uint64_t sent, std::uint64_t received, std::int64_t wall_ns);
  void session_ended();
  std::uint64_t sent_today() const { return sent_; }
  std::uint64_t received_today() const { return received_; }
  void acked(core::Lane lane, std::uint64_t events, Time now);  // total so far
  double rate(core::Lane lane) const { return lanes_[core::index(lane)].rate; }

 private:
  struct LaneMeter {
    std::uint64_t events = 0;
    Time at{0};
    double rate = 0;
  };
  std::string state_;
  std::int64_t since_ns_ = 0;
  std::int64_t day_ = 0;
  std::uint64_t sent_ = 0, received_ = 0;
  std::uint64_t session_sent_ = 0, session_received_ = 0;
  std::array<LaneMeter, core::kLaneCount> lanes_;
};

}  // namespace sluice::sync
