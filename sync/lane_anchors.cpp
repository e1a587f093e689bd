// SPDX-License-Identifier: Apache-2.0
// The part of a lane that decides where to go on: from the newest anchor that holds.
#include <algorithm>

#include "sync/lane_sender.hpp"

namespace sluice::sync {

// Goes from the newest anchor down, asking the hub only where its own figures leave a question.
void LaneSender::walk(Time now) {
  for (; walk_ > 0; --walk_) {
    const auto anchor = anchors_.at(walk_ - 1);
    if (anchor.acked > outbox_.last() ||
        !history().could_contain(anchor.epoch, anchor.seq, outbox_.last())) {
      no_longer("this log is another than the one that was acknowledged");
    } else if (anchor.hub_stream != hub_.name) {
      no_longer("the gateway belongs to another hub stream now");
    } else if (anchor.created != hub_.created) {
      no_longer("the hub stream was made anew");
    } else if (anchor.hub_seq > hub_.last_seq || anchor.hub_seq >= cut_below_.value_or(~0ull)) {
      no_longer("the hub stream was cut back");
    } else {
      if (anchor.hub_seq < hub_.first_seq) break;  // aged out: nothing speaks against it
      phase_ = Phase::kChecking;
      ++questions_out_;
      effects_.ask_anchor(lane_, anchor.hub_stream, anchor.subject);
      return;
    }
  }
  finish_walk(now);
}

void LaneSender::no_longer(std::string why) {
  must_rewind_ = true;
  if (why_.empty()) why_ = std::move(why);
}

void LaneSender::anchor(const std::optional<StoredMessage>& stored, Time now) {
  if (questions_out_ > 0) --questions_out_;
  if (phase_ != Phase::kChecking || questions_out_ > 0 || walk_ == 0) return;
  progress_ = now;
  if (went_back(stored)) return;
  if (holds(anchors_.at(walk_ - 1), stored)) return finish_walk(now);
  --walk_;
  no_longer("the hub no longer has what it had acknowledged");
  walk(now);
}

// This process has sent nothing of this session, and an earlier one cannot have sent what the log
// did not have: such an event is of a future that a snapshot took away.
bool LaneSender::went_back(const std::optional<StoredMessage>& stored) {
  if (!stored) return false;
  const auto identity = core::Identity::parse(stored->identity);
  if (!identity || identity->lane != lane_ || !history().is_running(identity->epoch)) return false;
  const core::Seq last = std::max(identity->seq, identity->to);
  if (last <= outbox_.last()) return false;
  phase_ = Phase::kIdle;
  const std::string words = "the hub has " + stored->identity + " of the running epoch, this log " +
                            "ends at " + std::to_string(outbox_.last()) +
                            ": it went back under its writer";
  effects_.went_back(lane_, last, words);
  effects_.close_session(core::fail(core::Errc::kUnavailable, words));
  return true;
}

bool LaneSender::holds(const storage::Anchor& anchor,
                       const std::optional<StoredMessage>& stored) const {
  if (!stored) return false;
  if (stored->hub_seq == anchor.hub_seq) return stored->identity == anchor.identity;
  if (stored->hub_seq < anchor.hub_seq) return false;
  // A later message on the same subject. It speaks for the anchor only if it is ours, and later.
  const auto identity = core::Identity::parse(stored->identity);
  // Of another log under this name, which an import brought just now: it hides ours, and says
  // nothing of it.
  if (others_ && identity && !history().range_of(identity->epoch, outbox_.last())) return true;
  return identity && identity->lane == lane_ && identity->seq > anchor.seq &&
         history().contains(identity->epoch, identity->seq, outbox_.last());
}

void LaneSender::finish_walk(Time now) {
  // Also where no anchor goes: what was acked since may be gone.
  if (std::exchange(cut_below_, std::nullopt)) no_longer("the hub stream was cut back");
  if (!must_rewind_) return begin_rewound(false, now);
  const core::Seq to = acked_;
  anchors_.resize(walk_);
  unrecorded_.clear();
  acked_ = anchors_.cursor();
  auto rewind = size_up(acked_, rewinding_ ? std::max(to, rewinding_->to) : to);
  if (rewind.from <= rewind.to) {
    rewind.why = std::exchange(why_, {});
    if (!rewinding_ || !rewind.why.empty()) {
      rewind_is_new_ = true;
      rewinding_ = std::move(rewind);
    }
  }
  phase_ = Phase::kRewinding;
  rewind_unconfirmed_ = true;
  ++rewinds_out_;
  effects_.rewind(lane_, acked_);
}

// What of (acked, to] is there, and how much that is about.
Rewind LaneSender::size_up(core::Seq acked, core::Seq to) const {
  Rewind out;
  out.from = acked + 1;
  out.to = std::min(to, outbox_.last());
  to = out.to;
  const core::Seq first = std::max(out.from, outbox_.first());
  if (to < first) return out;
  out.events = to - first + 1;
  out.bytes = out.events * event_bytes_;
  return out;
}

void LaneSender::rewound(bool durable, Time now) {
  // One from an earlier session may still be on its way: only the last one counts.
  if (rewinds_out_ > 0) --rewinds_out_;
  if (durable && rewinds_out_ == 0) rewind_unconfirmed_ = false;
  if (phase_ != Phase::kRewinding || rewinds_out_ > 0) return;
  if (durable) return begin_rewound(true, now);
  effects_.close_session(
      core::fail(core::Errc::kUnavailable,
                 "sluiced did not commit a rewind of lane " + std::string(core::lane_name(lane_))));
}

// The cursor is where it belongs, and since that is on disk nothing of it is trimmed. What has to
// be sent again may still have to wait: a fleet whose hub lost its store must not come all at once,
// and a metered link is an operator's business.
void LaneSender::begin_rewound(bool fresh, Time now) {
  if (!rewinding_) return begin_sending();
  if (std::exchange(rewind_is_new_, false)) {
    ++rewinds_;
    rewound_events_ += rewinding_->events;
    effects_.rewound_by_hub(lane_, *rewinding_);
  }
  if (settings_.rewind_ask_bytes != 0 && rewinding_->bytes > settings_.rewind_ask_bytes &&
      !rewind_allowed_) {
    phase_ = Phase::kAsking;
    return;
  }
  const Time limit =
      std::min(settings_.rewind_jitter, Time(static_cast<std::int64_t>(rewinding_->bytes / 256)));
  if (!fresh || limit <= Time(0)) return begin_sending();
  phase_ = Phase::kJitter;
  until_ = now + Time(effects_.random_below(static_cast<std::uint64_t>(limit.count()) + 1));
}

void LaneSender::allow_rewind(Time now) {
  rewind_allowed_ = true;
  if (phase_ == Phase::kAsking) begin_rewound(false, now);
}

void LaneSender::others_published() {
  others_ = true;
  sent_max_ = std::max(sent_max_, outbox_.last());
}

void LaneSender::begin_sending() {
  phase_ = Phase::kSending;
  others_ = false;
  top_.reset();
  order_token_ = next_token_ - 1;
  order_hub_seq_ = 0;
  if (!anchors_.empty()) {
    auto newest = anchors_.at(anchors_.size() - 1);
    if (newest.created == hub_.created) {
      order_hub_seq_ = newest.hub_seq;
      top_ = std::move(newest);
    }
  }
  outbox_.rewind(acked_);
}

// What was acked and not yet recorded is in question as a whole: none of it becomes an anchor.
void LaneSender::suspect_cut(std::uint64_t hub_seq) {
  cut_below_ = std::min(hub_seq, cut_below_.value_or(hub_seq));
  top_.reset();
  unrecorded_.clear();
  hold();
}

}  // namespace sluice::sync
