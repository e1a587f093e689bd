// SPDX-License-Identifier: Apache-2.0
#include "sync/forwarder.hpp"

#include <algorithm>

namespace sluice::sync {

Forwarder::Forwarder(const Address& address, const ForwarderSettings& settings,
                     SessionEffects& effects)
    : settings_(settings), effects_(effects), window_(settings.link) {
  for (auto lane : core::kLanes)
    lanes_[core::index(lane)] =
        std::make_unique<LaneParts>(address, lane, settings, window_, effects);
}

void Forwarder::log_opened(std::array<LaneLog, core::kLaneCount> lanes, Time now) {
  for (auto lane : core::kLanes) {
    auto& log = lanes[core::index(lane)];
    auto& parts = at(lane);
    parts.repair.open(History(log.epochs), log.set_aside);
    parts.repair.tail(log.state.first, log.state.last, log.state.acked);
    parts.sender.open(std::move(log));
  }
  log_open_ = true;
  if (link_ != Link::kNoLog) return;
  go_to(Link::kWaiting);
  failures_ = 0;
  until_ = now;
}

void Forwarder::log_closed() {
  log_open_ = false;
  for (auto& parts : lanes_) {
    parts->sender.stop();
    parts->repair.stop();
  }
  hub_.reset();
  if (link_ != Link::kStopped) link_ = Link::kNoLog;
}

void Forwarder::dropped(core::Lane lane, std::vector<storage::SetAside> set_aside) {
  at(lane).sender.dropped(std::move(set_aside));
}

void Forwarder::tail(core::Lane lane, core::Seq first, core::Seq last, Time now) {
  at(lane).sender.tail(first, last);
  at(lane).repair.tail(first, last, at(lane).sender.acked());
  if (link_ == Link::kWaiting && waiting())
    until_ = std::min(until_, now + settings_.retry_max_waiting);
  pump(now);
}

void Forwarder::rows(core::Lane lane, std::uint64_t ticket,
                     core::Result<std::vector<storage::Record>> records, Time now) {
  if (ticket >= Repair::kFirstTicket)
    at(lane).repair.rows(ticket, std::move(records));
  else
    at(lane).sender.rows(ticket, std::move(records));
  pump(now);
}

void Forwarder::rewound(core::Lane lane, bool durable, Time now) {
  ++moves_;
  at(lane).sender.rewound(durable, now);
  pump(now);
}

void Forwarder::set_aside_done(core::Lane lane, const storage::SetAside& range, bool durable,
                               Time now) {
  ++moves_;
  at(lane).sender.set_aside_done(range, durable, now);
  if (durable) at(lane).repair.add_set_aside(range);
  pump(now);
}

void Forwarder::connected(std::size_t max_payload, Time now) {
  if (link_ != Link::kConnecting) return;
  go_to(Link::kOpening);
  max_payload_ = max_payload;
  hub_.reset();
  looks_out_ = 0;
  held_ = false;
  claimed_ = false;
  until_ = now + settings_.opening_timeout;
  effects_.ask_hub_stream();
  effects_.claim();
}

void Forwarder::connect_failed(core::Error why, Time now) {
  if (link_ != Link::kConnecting) return;
  last_error_ = std::move(why.message);
  retry_later(now);
}

void Forwarder::session_closed(core::Error why, Time now) {
  for (auto& parts : lanes_) {
    parts->sender.stop();
    parts->repair.stop();
  }
  hub_.reset();
  if (link_ != Link::kOpening && link_ != Link::kUp) return;
  last_error_ = std::move(why.message);
  retry_later(now);
}

void Forwarder::retry_later(Time now) {
  go_to(Link::kWaiting);
  const Time cap = waiting() ? settings_.retry_max_waiting : settings_.retry_max_idle;
  const Time step =
      std::min(cap, settings_.retry_min * (std::int64_t{1} << std::min(failures_++, 16)));
  // Half of it at random: a fleet that lost its hub together must not come back together.
  until_ = now + step / 2 +
           Time(effects_.random_below(static_cast<std::uint64_t>(step.count() / 2 + 1)));
}

void Forwarder::hub_stream(core::Result<HubStream> answer, Time now) {
  if (link_ != Link::kOpening && (link_ != Link::kUp || looks_out_ == 0)) return;
  if (!answer) return effects_.close_session(answer.error());
  if (link_ == Link::kUp) return looked_at_hub(std::move(*answer), now);
  hub_ = std::move(*answer);
  start_lanes(now);
}

void Forwarder::look_at_hub(Time now) {
  ++looks_out_;
  looked_ = now;
  acked_then_ = 0;
  for (const auto& parts : lanes_) acked_then_ = std::max(acked_then_, parts->sender.hub_seq());
  effects_.ask_hub_stream();
}

// One that was asked for before the last doubt may have been answered before it as well.
void Forwarder::looked_at_hub(HubStream found, Time now) {
  heard(now);
  ++moves_;
  if (--looks_out_ > 0) return;
  const bool is_other = found.name != hub_->name || found.created != hub_->created;
  if (!is_other && !held_ && found.last_seq < acked_then_)
    for (auto& parts : lanes_) parts->sender.suspect_cut(found.last_seq + 1);
  else if (!is_other && !held_)
    return pump(now);
  if (!is_other)
    effects_.alarm("HubCutBack", "the hub stream went back to " + std::to_string(found.last_seq) +
                                     ": sending again what it lost");
  held_ = false;
  hub_ = std::move(found);
  for (auto lane : core::kLanes) at(lane).sender.start(*hub_, max_payload_, now);
  pump(now);
}

// Cut back, or made anew: which of the two only the hub stream itself can say.
void Forwarder::suspect_cut(std::uint64_t hub_seq, Time now) {
  for (auto& parts : lanes_) parts->sender.suspect_cut(hub_seq);
  held_ = true;
  look_at_hub(now);
}

void Forwarder::hub_changed(Time now) {
  if (link_ == Link::kUp && looks_out_ == 0) look_at_hub(now);
}

void Forwarder::claimed(bool go_on, const std::string& words, Time now) {
  if (!go_on) return stop_as_clone(words);
  if (link_ != Link::kOpening) return;
  claimed_ = true;
  start_lanes(now);
}

void Forwarder::start_lanes(Time now) {
  if (!hub_ || !claimed_) return;
  window_.begin();
  heard(now);
  looked_ = now;
  go_to(Link::kUp);
  for (auto lane : core::kLanes) at(lane).sender.start(*hub_, max_payload_, now);
  pump(now);
}

void Forwarder::stop_as_clone(const std::string& words) {
  const bool open = link_ == Link::kOpening || link_ == Link::kUp;
  go_to(Link::kStopped);
  last_error_ = words;
  for (auto& parts : lanes_) {
    parts->sender.stop();
    parts->repair.stop();
  }
  hub_.reset();
  if (open) effects_.close_session(core::fail(core::Errc::kUnavailable, words));
}

void Forwarder::go_on(Time now) {
  if (link_ != Link::kStopped) return;
  go_to(log_open_ ? Link::kWaiting : Link::kNoLog);
  failures_ = 0;
  until_ = now;
}

void Forwarder::anchor(core::Lane lane, core::Result<std::optional<StoredMessage>> answer,
                       Time now) {
  if (link_ != Link::kUp) return;
  heard(now);
  if (!answer) return effects_.close_session(answer.error());
  at(lane).sender.anchor(*answer, now);
  pump(now);
}

void Forwarder::answer(core::Lane lane, std::uint64_t token, const PubAnswer& answer, Time now) {
  if (link_ != Link::kUp) return;
  heard(now);
  ++moves_;
  auto& sender = at(lane).sender;
  const core::Seq before = sender.acked();
  sender.answer(token, answer, now);
  if (const auto cut = sender.take_cut(); cut) suspect_cut(*cut, now);
  if (sender.acked() != before) {
    failures_ = 0;
    last_error_.clear();
  }
  pump(now);
}

void Forwarder::need(const codec::Need& need, Time now) {
  if (link_ != Link::kUp || !at(need.lane).sender.sending()) return;
  auto& parts = at(need.lane);
  parts.repair.tail(parts.sender.outbox().first(), parts.sender.last(), parts.sender.acked());
  parts.repair.need(need, now);
  pump(now);
}

void Forwarder::pump(Time now) {
  if (link_ != Link::kUp) return;
  for (auto lane : core::kLanes) at(lane).sender.pump(now);
  for (auto lane : core::kLanes) at(lane).repair.pump(now, max_payload_);
  if (!last_error_.empty() && settled() && !waiting()) {
    last_error_.clear();
    failures_ = 0;
  }
}

void Forwarder::tick(Time now) {
  if (link_ == Link::kWaiting && log_open_ && now >= until_) {
    go_to(Link::kConnecting);
    effects_.connect();
  } else if (link_ == Link::kOpening && now >= until_) {
    effects_.close_session(
        core::fail(core::Errc::kUnavailable, "timeout: the hub did not answer what was asked"));
  } else if (link_ == Link::kUp) {
    for (auto& parts : lanes_) parts->sender.tick(now);
    pump(now);
    if (looks_out_ > 0 && now - looked_ >= settings_.opening_timeout)
      return effects_.close_session(core::fail(
          core::Errc::kUnavailable, "timeout: the hub did not answer what its hub stream is"));
    if (looks_out_ == 0 && now - looked_ >= settings_.hub_look_interval) look_at_hub(now);
    if (!listens()) return;
    if (!pinged_ && now - heard_ >= settings_.ping_after) {
      pinged_ = now;
      effects_.ping();
    } else if (pinged_ && now - *pinged_ >= settings_.ping_timeout) {
      effects_.close_session(
          core::fail(core::Errc::kUnavailable, "timeout: the hub gives no sign of life"));
    }
  }
}

void Forwarder::alive(Time now) {
  if (link_ == Link::kUp) heard(now);
}

void Forwarder::heard(Time now) {
  heard_ = now;
  pinged_.reset();
}

void Forwarder::go_to(Link link) {
  link_ = link;
  ++moves_;
}

// With something in flight its own timeout counts.
bool Forwarder::listens() const {
  return link_ == Link::kUp && waiting() &&
         std::none_of(lanes_.begin(), lanes_.end(),
                      [](const auto& parts) { return parts->sender.in_flight(); });
}

void Forwarder::allow_rewinds(Time now) {
  for (auto& parts : lanes_) parts->sender.allow_rewind(now);
  pump(now);
}

bool Forwarder::asks() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& parts) { return parts->sender.asks(); });
}

bool Forwarder::rests() const {
  if (link_ == Link::kNoLog || link_ == Link::kStopped) return true;
  if (link_ == Link::kConnecting || link_ == Link::kOpening) return false;
  return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& parts) {
    return !parts->sender.waiting() || parts->sender.asks() || parts->sender.saves();
  });
}

std::optional<Time> Forwarder::deadline() const {
  std::optional<Time> first;
  const auto consider = [&](const std::optional<Time>& time) {
    if (time && (!first || *time < *first)) first = time;
  };
  if (link_ == Link::kWaiting || link_ == Link::kOpening) consider(until_);
  if (link_ != Link::kUp) return first;
  consider(looked_ + (looks_out_ > 0 ? settings_.opening_timeout : settings_.hub_look_interval));
  if (listens())
    consider(pinged_ ? *pinged_ + settings_.ping_timeout : heard_ + settings_.ping_after);
  for (const auto& parts : lanes_) {
    consider(parts->sender.deadline());
    consider(parts->repair.deadline());
  }
  return first;
}

void Forwarder::others_published() {
  for (auto& parts : lanes_) parts->sender.others_published();
}

void Forwarder::flush_acks() {
  if (!log_open_) return;
  for (auto& parts : lanes_) parts->sender.flush_acks();
}

std::optional<Time> Forwarder::next_try() const {
  if (link_ != Link::kWaiting) return std::nullopt;
  return until_;
}

bool Forwarder::waiting() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& parts) { return parts->sender.waiting(); });
}

bool Forwarder::settled() const {
  return link_ == Link::kUp && std::all_of(lanes_.begin(), lanes_.end(), [](const auto& parts) {
           return parts->sender.sending();
         });
}

}  // namespace sluice::sync
