// SPDX-License-Identifier: Apache-2.0
// The part of the uplink that is driven by time, and what it says of itself.
#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "sync/uplink.hpp"

namespace sluice::sync {

namespace {

constexpr std::string_view kComponent = "uplink";
constexpr std::chrono::milliseconds kHousekeeping{500};
constexpr std::chrono::milliseconds kFlushPause{20};

std::string_view link_word(Forwarder::Link link) {
  switch (link) {
    case Forwarder::Link::kUp:
      return "up";
    case Forwarder::Link::kConnecting:
    case Forwarder::Link::kOpening:
      return "connecting";
    case Forwarder::Link::kStopped:
      return "stopped";
    case Forwarder::Link::kNoLog:
    case Forwarder::Link::kWaiting:
      break;
  }
  return "down";
}

}  // namespace

// The attempts of days without a link are no news, and on a card each line wears the flash: a line
// when the link comes or goes, and another reason for its absence at most every ten minutes.
void Uplink::log_link() {
  constexpr Time kReasonEvery{10 * 60 * 1000};
  const bool is_trying = logged_ == Forwarder::Link::kWaiting ||
                         logged_ == Forwarder::Link::kConnecting ||
                         logged_ == Forwarder::Link::kOpening;
  const std::string_view word = is_trying ? "down" : link_word(logged_);
  const std::string why = logged_ == Forwarder::Link::kUp ? "" : forwarder_.last_error();
  const bool is_other = why != announced_why_ && now() >= announced_at_ + kReasonEvery;
  if (word == announced_ && !is_other && !(announced_why_.empty() && !why.empty())) return;
  announced_ = word;
  announced_why_ = why;
  announced_at_ = now();
  if (why.empty())
    environment_.logger.info(kComponent, "link " + announced_);
  else
    environment_.logger.info(kComponent, "link " + announced_, {{"why", why}});
}

void Uplink::touched() {
  if (stopping_) return;
  if (forwarder_.link() != logged_) {
    logged_ = forwarder_.link();
    log_link();
    reports_.changed();
    if (environment_.link_changed) environment_.link_changed();
  }
  auto due = forwarder_.deadline();
  const auto report_due = reports_.deadline();
  if (report_due && (!due || *report_due < *due)) due = report_due;
  if (due) {
    const auto at = std::chrono::steady_clock::now() + std::max(Time(1), *due - now());
    const bool armed = deadline_timer_.expiry() > std::chrono::steady_clock::now();
    if (!armed || at + Time(2) < deadline_timer_.expiry()) {
      deadline_timer_.expires_at(at);
      deadline_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) on_deadline();
      });
    }
  }
  if (std::exchange(housekeeping_armed_, true)) return;
  housekeeping_timer_.expires_after(kHousekeeping);
  housekeeping_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    housekeeping_armed_ = false;
    housekeeping();
  });
}

void Uplink::on_deadline() {
  forwarder_.tick(now());
  reports_.tick(now());
  touched();
}

// An ack may be what a client of a lane with `ack = "hub"` waits for.
void Uplink::flush_soon() {
  if (std::exchange(flush_armed_, true)) return;
  flush_timer_.expires_after(kFlushPause);
  flush_timer_.async_wait([this](boost::system::error_code error) {
    flush_armed_ = false;
    if (!error) forwarder_.flush_acks();
  });
}

void Uplink::housekeeping() {
  forwarder_.flush_acks();
  look_at_clock();
  look_for_takeover();
  look_for_allowed_rewind();
  arm_live();
  if (hub_) {
    const auto bytes = hub_->bytes();
    meter_.session_bytes(bytes.sent, bytes.received, environment_.clock.wall_ns());
  }
  bool moving = forwarder_.link() == Forwarder::Link::kStopped || forwarder_.asks();
  for (auto lane : core::kLanes) {
    meter_.acked(lane, forwarder_.lane(lane).acked_events(), now());
    moving = moving || meter_.rate(lane) > 0;
  }
  auto status = link_status();
  const auto next_try_ms = std::exchange(status.next_try_ms, 0);
  const auto packed = pack_link_status(status);
  if (packed != told_status_ && sluiced_ && reader_) {
    told_status_ = packed;
    auto lasting = status;
    // These count the reports as well: each would be the reason for the next one.
    lasting.bytes_sent_today = lasting.bytes_received_today = 0;
    if (auto now_lasting = pack_link_status(lasting); now_lasting != lasting_status_) {
      lasting_status_ = std::move(now_lasting);
      reports_.changed();
    }
    status.next_try_ms = next_try_ms;
    sluiced_->status(pack_link_status(status));
  }
  if (moving) touched();
}

void Uplink::look_for_takeover() {
  if (forwarder_.link() != Forwarder::Link::kStopped) return;
  if (settings_.takeover || std::filesystem::exists(settings_.takeover_file())) {
    forwarder_.go_on(now());
    touched();
  }
}

// The word stays until the rewinds are done, so that a restart in between does not ask again.
void Uplink::look_for_allowed_rewind() {
  bool any = false;
  for (auto lane : core::kLanes) any = any || forwarder_.lane(lane).rewinding().has_value();
  if (!std::filesystem::exists(settings_.allow_rewind_file())) return;
  if (forwarder_.asks()) {
    environment_.logger.info(kComponent, "the operator allows the rewind");
    forwarder_.allow_rewinds(now());
    touched();
  }
  std::error_code ignored;
  if (!any && forwarder_.settled()) std::filesystem::remove(settings_.allow_rewind_file(), ignored);
}

std::string Uplink::rewind_words() const {
  std::string out;
  for (auto lane : core::kLanes) {
    const auto& of = forwarder_.lane(lane);
    if (!of.rewinding()) continue;
    const auto& rewind = *of.rewinding();
    out += (out.empty() ? "" : "; ") + std::string("lane ") + std::string(core::lane_name(lane)) +
           (of.asks() ? " waits for an operator (sluice-uplink --allow-rewind) to send again "
                      : " sends again ") +
           std::to_string(rewind.events) + " events, about " +
           std::to_string((rewind.bytes + 1023) / 1024) + " KiB, from " +
           std::to_string(rewind.from) + " to " + std::to_string(rewind.to) + ": " + rewind.why;
  }
  return out;
}

// --- Current values ------------------------------------------------------------------------------

void Uplink::arm_live() {
  if (!live_.is_wanted() || std::exchange(live_armed_, true)) return;
  live_timer_.expires_after(settings_.live_interval);
  live_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    live_armed_ = false;
    publish_live();
  });
}

void Uplink::publish_live() {
  if (!hub_ || !reader_ || forwarder_.link() != Forwarder::Link::kUp) {
    live_.clear();
  } else {
    for (auto lane : core::kLanes) {
      const auto last = forwarder_.lane(lane).last();
      for (auto next = live_.look(lane, last); next <= last;) {
        const auto rows = reader_->read_lane(lane, next, 256);
        if (!rows || rows->empty()) break;
        for (const auto& row : *rows)
          if (const auto event = codec::decode_trusted(row.body); event)
            live_.row(lane, row.seq, *event, row.body);
        next = rows->back().seq + 1;
      }
    }
    for (const auto& value : live_.take(settings_.live_interval, forwarder_.window().rate()))
      hub_->publish_live(value.category, value.body);
  }
  arm_live();
}

// -------------------------------------------------------------------------------------------------

LinkStatus Uplink::link_status() {
  LinkStatus out;
  out.state = link_word(forwarder_.link());
  meter_.state(out.state, environment_.clock.wall_ns());
  out.since_ns = meter_.since_ns();
  out.last_error = forwarder_.last_error();
  for (auto lane : core::kLanes) {
    const auto& of = forwarder_.lane(lane);
    if (out.last_error.empty()) out.last_error = of.last_refusal();
    out.lanes[core::index(lane)] = {of.acked(), of.sent(), meter_.rate(lane), of.rewinds(),
                                    of.rewound_events()};
  }
  if (out.last_error.empty()) out.last_error = complaint_;
  if (const auto next = forwarder_.next_try(); next)
    out.next_try_ms = std::max<std::int64_t>(1, (*next - now()).count());
  if (hub_) out.server = hub_->url();
  out.url = out.server.empty() ? settings_.login.urls[attempts_ % settings_.login.urls.size()]
                               : out.server;
  if (const auto at = out.url.rfind('@'); at != std::string::npos) out.url.erase(0, at + 1);
  out.bytes_sent_today = meter_.sent_today();
  out.bytes_received_today = meter_.received_today();
  out.hub_stream = core::hub_stream_name(settings_.shard);
  if (forwarder_.hub()) out.hub_created = forwarder_.hub()->created;
  if (forwarder_.link() == Forwarder::Link::kStopped) out.clone = forwarder_.last_error();
  out.report = reports_.failure();
  out.rewind = rewind_words();
  if (forwarder_.link() == Forwarder::Link::kUp) {
    out.link_rate = forwarder_.window().rate();
    out.window_bytes = forwarder_.window().limit();
  }
  return out;
}

std::string Uplink::state_words() const {
  std::string out = "link " + std::string(link_word(forwarder_.link()));
  if (!forwarder_.last_error().empty()) out += ": " + forwarder_.last_error();
  return out;
}

}  // namespace sluice::sync
