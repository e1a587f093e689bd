// SPDX-License-Identifier: Apache-2.0
#include "sync/link_status.hpp"

#include <algorithm>

#include "rpc/pack.hpp"

namespace sluice::sync {

std::string pack_link_status(const LinkStatus& status) {
  rpc::Packer out;
  out.map(16);
  out.text("state").text(status.state);
  out.text("since_ns").integer(status.since_ns);
  out.text("last_error").text(status.last_error);
  out.text("next_try_ms").integer(status.next_try_ms);
  out.text("url").text(status.url);
  out.text("server").text(status.server);
  out.text("bytes_sent_today").unsigned_integer(status.bytes_sent_today);
  out.text("bytes_received_today").unsigned_integer(status.bytes_received_today);
  out.text("hub_stream").text(status.hub_stream);
  out.text("hub_created").text(status.hub_created);
  out.text("lanes").map(core::kLaneCount);
  for (auto lane : core::kLanes) {
    const auto& of = status.lanes[core::index(lane)];
    out.text(core::lane_name(lane)).map(5);
    out.text("acked").unsigned_integer(of.acked);
    out.text("sent").unsigned_integer(of.sent);
    out.text("rate").float64(of.rate);
    out.text("rewinds").unsigned_integer(of.rewinds);
    out.text("rewound_events").unsigned_integer(of.rewound_events);
  }
  out.text("clone").text(status.clone);
  out.text("report").text(status.report);
  out.text("rewind").text(status.rewind);
  out.text("link_rate").unsigned_integer(status.link_rate);
  out.text("window_bytes").unsigned_integer(status.window_bytes);
  return out.take();
}

void LinkMeter::state(const std::string& state, std::int64_t wall_ns) {
  if (state == state_) return;
  state_ = state;
  since_ns_ = wall_ns;
}

void LinkMeter::session_bytes(std::uint64_t sent, std::uint64_t received, std::int64_t wall_ns) {
  const std::int64_t day = wall_ns / 86'400'000'000'000;
  if (day != day_) {
    day_ = day;
    sent_ = received_ = 0;
  }
  sent_ += sent - session_sent_;
  received_ += received - session_received_;
  session_sent_ = sent;
  session_received_ = received;
}

void LinkMeter::session_ended() {
  session_sent_ = session_received_ = 0;
}

void LinkMeter::acked(core::Lane lane, std::uint64_t events, Time now) {
  auto& meter = lanes_[core::index(lane)];
  const Time passed = now - meter.at;
  if (passed < Time(400)) return;
  const double seconds = static_cast<double>(passed.count()) / 1000.0;
  const double fresh = static_cast<double>(events - meter.events) / seconds;
  // Half of what is shown is of the last two seconds or so.
  const double weight = std::min(1.0, seconds / 2.0);
  meter.rate = meter.rate * (1 - weight) + fresh * weight;
  if (meter.rate < 0.01) meter.rate = 0;
  meter.events = events;
  meter.at = now;
}

}  // namespace sluice::sync
