// SPDX-License-Identifier: Apache-2.0
// The part of a lane that decides where to go on: from the newest anchor that holds.
#include <algorithm>

#include "sync/lane_sender.hpp"

namespace sluice::sync {

// Goes from the newest anchor down, asking the hub only where its own figures leave a question.
void LaneSender::walk() {
  for (; walk_ > 0; --walk_, must_rewind_ = true) {
    const auto anchor = anchors_.at(walk_ - 1);
    const bool of_this_log = anchor.acked <= outbox_.last() &&
                             history().could_contain(anchor.epoch, anchor.seq, outbox_.last());
    if (!of_this_log || anchor.hub_stream != hub_.name || anchor.created != hub_.created) continue;
    if (anchor.hub_seq > hub_.last_seq) continue;  // cut back, or re-created under one name
    if (anchor.hub_seq < hub_.first_seq) break;    // aged out: nothing speaks against it
    phase_ = Phase::kChecking;
    effects_.ask_anchor(lane_, anchor.hub_stream, anchor.subject);
    return;
  }
  finish_walk();
}

void LaneSender::anchor(const std::optional<StoredMessage>& stored, Time now) {
  if (phase_ != Phase::kChecking || walk_ == 0) return;
  progress_ = now;
  if (holds(anchors_.at(walk_ - 1), stored)) return finish_walk();
  --walk_;
  must_rewind_ = true;
  walk();
}

bool LaneSender::holds(const storage::Anchor& anchor,
                       const std::optional<StoredMessage>& stored) const {
  if (!stored) return false;
  if (stored->hub_seq == anchor.hub_seq) return stored->identity == anchor.identity;
  if (stored->hub_seq < anchor.hub_seq) return false;
  // A later message on the same subject. It speaks for the anchor only if it is ours, and later.
  const auto identity = core::Identity::parse(stored->identity);
  return identity && identity->lane == lane_ && identity->seq > anchor.seq &&
         history().contains(identity->epoch, identity->seq, outbox_.last());
}

void LaneSender::finish_walk() {
  if (!must_rewind_) return begin_sending();
  anchors_.resize(walk_);
  unrecorded_.clear();
  acked_ = anchors_.cursor();
  phase_ = Phase::kRewinding;
  rewind_unconfirmed_ = true;
  ++rewinds_out_;
  effects_.rewind(lane_, acked_);
}

void LaneSender::rewound(bool durable) {
  // One from an earlier session may still be on its way: only the last one counts.
  if (rewinds_out_ > 0) --rewinds_out_;
  if (durable && rewinds_out_ == 0) rewind_unconfirmed_ = false;
  if (phase_ != Phase::kRewinding || rewinds_out_ > 0) return;
  if (durable) return begin_sending();
  effects_.close_session(
      core::fail(core::Errc::kUnavailable,
                 "sluiced did not commit a rewind of lane " + std::string(core::lane_name(lane_))));
}

void LaneSender::begin_sending() {
  phase_ = Phase::kSending;
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

void LaneSender::cut_back(std::uint64_t hub_seq) {
  if (phase_ == Phase::kIdle) return;
  window_.clear();
  window_bytes_ = 0;
  to_set_aside_.reset();
  cut_.reset();
  walk_ = anchors_.size();
  must_rewind_ = true;  // also where no anchor goes: what was acked since may be gone
  while (walk_ > 0 && anchors_.hub_seq(walk_ - 1) >= hub_seq) --walk_;
  hub_.last_seq = hub_seq;
  finish_walk();
}

}  // namespace sluice::sync
