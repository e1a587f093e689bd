// SPDX-License-Identifier: Apache-2.0
#include "sync/lane_sender.hpp"

#include <algorithm>

namespace sluice::sync {

namespace {
constexpr core::Seq kAnchorEvery = 256;
constexpr Time kDrainLimit{5'000};
}  // namespace

LaneSender::LaneSender(const Address& address, core::Lane lane, const WindowSettings& settings,
                       LinkShare share, Effects& effects)
    : lane_(lane),
      settings_(settings),
      share_(share),
      effects_(effects),
      outbox_(address, lane, effects),
      anchors_(address.gateway, lane),
      ack_timeout_(settings.ack_timeout) {
  window_events_ = std::min(window_events_, settings_.events_max);
}

void LaneSender::open(LaneLog log) {
  stop();
  unrecorded_.clear();
  rewinds_out_ = 0;
  rewind_unconfirmed_ = false;  // what was read is what is on disk
  outbox_.set_log(History(std::move(log.epochs)), std::move(log.set_aside));
  outbox_.set_range(log.state.first, log.state.last);
  if (log.event_bytes != 0) event_bytes_ = log.event_bytes;
  anchors_.assign(log.anchors);
  acked_ = anchors_.cursor();
  rewinding_.reset();
  rewind_is_new_ = false;
  // Begun by an earlier process: it goes on where it was.
  if (log.state.trim_after > acked_) {
    rewinding_ = size_up(acked_, std::min(log.state.trim_after, log.state.last));
    rewinding_->why = "a rewind that was begun before goes on";
  }
  // An earlier process may have sent all that the log holds now; what is appended later is new.
  sent_max_ = std::max(sent_max_, log.state.last);
}

void LaneSender::tail(core::Seq first, core::Seq last) {
  outbox_.set_range(first, last);
}

void LaneSender::rows(std::uint64_t ticket, core::Result<std::vector<storage::Record>> records) {
  outbox_.rows(ticket, std::move(records));
}

void LaneSender::stop() {
  hold();
  questions_out_ = 0;
}

void LaneSender::hold() {
  phase_ = Phase::kIdle;
  note_anchor();
  top_.reset();
  window_.clear();
  window_bytes_ = 0;
  share_.window.forget(lane_);
  affordable_at_.reset();
  to_set_aside_.reset();
  cut_.reset();
  outbox_.rewind(acked_);
}

void LaneSender::start(const HubStream& hub, std::size_t max_payload, Time now) {
  hold();
  hub_ = hub;
  message_bytes_max_ = max_payload;
  if (hub.message_bytes_max > 0)
    message_bytes_max_ = std::min<std::size_t>(message_bytes_max_, hub.message_bytes_max);
  progress_ = now;
  walk_ = anchors_.size();
  must_rewind_ = rewind_unconfirmed_;
  if (!must_rewind_) why_.clear();
  walk(now);
}

bool LaneSender::pump(Time now) {
  bool published = false;
  affordable_at_.reset();
  while (phase_ == Phase::kSending && window_.size() < window_events_) {
    if (const auto damaged = outbox_.damaged(); damaged) {
      if (window_.empty()) begin_set_aside(*damaged);
      break;
    }
    const Item* next = outbox_.peek();
    if (next == nullptr) {
      if (outbox_.failure()) effects_.close_session(*outbox_.failure());
      break;
    }
    if (!window_.empty() && window_bytes_ + next->link_size() > settings_.bytes_max) break;
    if (!next->is_gap && too_large(*next)) {
      // First what is in flight: a range is replaced when nothing below it is in question.
      if (window_.empty())
        begin_set_aside({next->epoch, next->from, next->to, core::GapReason::kOversize});
      break;
    }
    const std::size_t bytes = next->link_size();
    if (!share_.window.has_room(lane_, bytes)) break;
    if (const Time at = share_.budget.ready(bytes, now); at > now) {
      affordable_at_ = at;
      break;
    }
    if (window_.empty()) progress_ = now;
    Item item = outbox_.take();
    share_.budget.spend(bytes, now);
    if (!item.is_gap) event_bytes_ = (event_bytes_ * 63 + bytes + 63) / 64;
    window_.push_back({next_token_++, item.epoch, item.from, item.to, bytes,
                       share_.window.sent(lane_, bytes, now), item.from > sent_max_, false, false,
                       0, std::move(item.subject), std::move(item.identity)});
    window_bytes_ += bytes;
    sent_max_ = std::max(sent_max_, item.to);
    const auto& sent = window_.back();
    effects_.publish(lane_, sent.token, {sent.subject, sent.identity, item.body, item.clock_ns});
    published = true;
  }
  return published;
}

bool LaneSender::too_large(const Item& item) const {
  return message_bytes_max_ != 0 && item.wire_size() > message_bytes_max_;
}

void LaneSender::answer(std::uint64_t token, const PubAnswer& answer, Time now) {
  if (window_.empty() || token < window_.front().token || token > window_.back().token) return;
  auto& item = window_[token - window_.front().token];
  if (item.resolved) return;
  item.resolved = true;
  progress_ = now;
  share_.window.answered(lane_, item.bytes, item.sent, now);
  if (answer.ok)
    accept(item, answer.ack);
  else
    refuse(item, answer.error, now);
  if (cut_) return;  // the owner rewinds all lanes
  advance(now);
  if (phase_ == Phase::kDraining) after_drain(now);
}

void LaneSender::accept(InFlight& item, const PubAck& ack) {
  item.acked = true;
  item.hub_seq = ack.hub_seq;
  if (ack.duplicate) {
    if (item.fresh)
      effects_.alarm("IdentityInUse", "the hub already had " + item.identity +
                                          ", which was never sent before: something else publishes "
                                          "as this gateway");
    return;
  }
  if (item.token < order_token_) return;
  if (ack.hub_seq <= order_hub_seq_) cut_ = ack.hub_seq;
  order_token_ = item.token;
  order_hub_seq_ = ack.hub_seq;
}

void LaneSender::refuse(InFlight& item, const PubError& error, Time now) {
  last_refusal_ = error.words;
  if (error.refusal == Refusal::kSession) {
    effects_.close_session(core::fail(core::Errc::kUnavailable, error.words));
    return;
  }
  // A gap record that the server finds too large can only be tried again.
  if (error.refusal == Refusal::kSetAside && item.from == item.to && !to_set_aside_)
    to_set_aside_ = storage::SetAside{item.epoch, item.from, item.to, core::GapReason::kOversize};
  if (phase_ == Phase::kSending) {
    phase_ = Phase::kDraining;
    until_ = now + kDrainLimit;
  }
  window_events_ = std::max<std::size_t>(1, window_events_ / 2);
}

void LaneSender::advance(Time now) {
  bool moved = false;
  while (!window_.empty() && window_.front().acked) {
    auto& item = window_.front();
    const core::Seq before = acked_;
    acked_ = item.to;
    acked_events_ += item.to - item.from + 1;
    window_bytes_ -= item.bytes;
    if (!top_ || item.hub_seq > top_->hub_seq)
      top_ = storage::Anchor{acked_,
                             hub_.name,
                             hub_.created,
                             item.epoch,
                             item.from,
                             item.hub_seq,
                             std::move(item.subject),
                             std::move(item.identity)};
    window_.pop_front();
    moved = true;
    if (before / kAnchorEvery != acked_ / kAnchorEvery) note_anchor();
  }
  if (!moved) return;
  if (rewinding_ && acked_ >= rewinding_->to) {
    rewinding_.reset();
    rewind_allowed_ = false;
  }
  progress_ = now;
  ack_timeout_ = settings_.ack_timeout;
  if (phase_ == Phase::kSending) {
    refusals_ = 0;
    last_refusal_.clear();
    window_events_ = std::min(settings_.events_max, window_events_ + 4);
  }
}

// Makes the cursor of now an anchor of its own.
void LaneSender::note_anchor() {
  if (!top_) return;
  auto anchor = *top_;
  anchor.acked = acked_;
  if (!anchors_.empty() && anchors_.cursor() >= acked_) return;
  const bool same_block =
      !anchors_.empty() && anchors_.cursor() / kAnchorEvery == acked_ / kAnchorEvery;
  if (same_block) anchors_.resize(anchors_.size() - 1);
  anchors_.push_back(anchor);
  anchors_.drop_below(outbox_.first());
  unrecorded_.push_back(std::move(anchor));
}

void LaneSender::flush_acks() {
  note_anchor();
  if (unrecorded_.empty()) return;
  effects_.record_acks(lane_, std::exchange(unrecorded_, {}));
}

void LaneSender::after_drain(Time now) {
  const bool all = std::all_of(window_.begin(), window_.end(),
                               [](const InFlight& item) { return item.resolved; });
  if (!all) return;
  go_back(now);
  if (to_set_aside_) {
    // Lower refusals first: it is found again when its turn comes.
    const auto range = *std::exchange(to_set_aside_, std::nullopt);
    if (range.from == outbox_.next()) return begin_set_aside(range);
  }
  phase_ = Phase::kPaused;
  const auto step = settings_.retry_min * (std::int64_t{1} << std::min(refusals_++, 16));
  const auto limit = std::min(step, settings_.retry_max);
  until_ = now + limit / 2 +
           Time(effects_.random_below(static_cast<std::uint64_t>(limit.count() / 2 + 1)));
}

// Forgets what was sent above the cursor; it will be read and sent again in order.
void LaneSender::go_back(Time now) {
  window_.clear();
  window_bytes_ = 0;
  share_.window.forget(lane_);
  progress_ = now;
  outbox_.rewind(acked_);
}

void LaneSender::begin_set_aside(const storage::SetAside& range) {
  phase_ = Phase::kSettingAside;
  effects_.set_aside(lane_, range);
}

void LaneSender::set_aside_done(const storage::SetAside& range, bool durable, Time now) {
  if (durable) outbox_.add_set_aside(range);
  if (phase_ != Phase::kSettingAside) return;
  go_back(now);
  phase_ = durable ? Phase::kSending : Phase::kPaused;
  until_ = now + settings_.retry_max;
}

void LaneSender::tick(Time now) {
  if (phase_ == Phase::kPaused && now >= until_) phase_ = Phase::kSending;
  if (phase_ == Phase::kJitter && now >= until_) begin_sending();
  if (phase_ != Phase::kSending && phase_ != Phase::kDraining && phase_ != Phase::kChecking) return;
  const bool asked = phase_ == Phase::kChecking || !window_.empty();
  const bool late = asked && now - progress_ >= ack_timeout_;
  if (!late && !(phase_ == Phase::kDraining && now >= until_)) return;
  window_events_ = std::max<std::size_t>(1, window_events_ / 2);
  // A slow link needs longer than a dead one: each silence is waited for twice as long as the last.
  ack_timeout_ = std::min(settings_.ack_timeout_max, ack_timeout_ * 2);
  effects_.close_session(core::fail(
      core::Errc::kUnavailable,
      "timeout: no answer to what lane " + std::string(core::lane_name(lane_)) + " published"));
}

std::optional<Time> LaneSender::deadline() const {
  if (phase_ == Phase::kPaused || phase_ == Phase::kJitter) return until_;
  if (phase_ == Phase::kDraining) return std::min(until_, progress_ + ack_timeout_);
  if (phase_ == Phase::kSending && affordable_at_)
    return window_.empty() ? *affordable_at_ : std::min(*affordable_at_, progress_ + ack_timeout_);
  if (phase_ == Phase::kChecking || (phase_ == Phase::kSending && !window_.empty()))
    return progress_ + ack_timeout_;
  return std::nullopt;
}

}  // namespace sluice::sync
