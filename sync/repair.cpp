// SPDX-License-Identifier: Apache-2.0
#include "sync/repair.hpp"

#include <algorithm>

namespace sluice::sync {

void Repair::open(History history, std::vector<storage::SetAside> set_aside) {
  stop();
  outbox_.set_log(std::move(history), std::move(set_aside));
}

void Repair::tail(core::Seq first, core::Seq last, core::Seq acked) {
  first_ = first;
  last_ = last;
  acked_ = acked;
}

void Repair::need(const codec::Need& need, Time now) {
  if (need.lane != lane_ || need.to < need.from || questions_.size() >= kQuestionsMax) return;
  const auto same = [&](const codec::Need& other) {
    return other.epoch == need.epoch && other.from == need.from;
  };
  if (std::any_of(questions_.begin(), questions_.end(), same)) return;
  questions_.push_back(need);
  next_step_ = std::max(next_step_, now);
}

void Repair::begin(const codec::Need& need) {
  const auto& history = outbox_.history();
  if (!history.opened_here(need.epoch)) return;
  const auto range = history.range_of(need.epoch, last_);
  if (!range) return;
  // A hole at the beginning of an epoch is asked for from 1, since the hub cannot know its first.
  const core::Seq from = std::max(need.from, range->from);
  lost_.reset();
  if (need.to > range->to && !history.is_running(need.epoch))
    lost_ = History::Piece{need.epoch, std::max(from, range->to + 1), need.to, std::nullopt};
  to_ = std::min({need.to, range->to, acked_, from + kEventsMax - 1});
  if (from > to_ && !lost_) return;
  active_ = true;
  outbox_.set_range(first_, to_);
  outbox_.restart(from);
}

void Repair::rows(std::uint64_t ticket, core::Result<std::vector<storage::Record>> records) {
  if (active_) outbox_.rows(ticket, std::move(records));
}

void Repair::pump(Time now, std::size_t message_bytes_max) {
  if (now < next_step_) return;
  while (!active_ && !questions_.empty()) {
    const auto question = questions_.front();
    questions_.pop_front();
    begin(question);
  }
  if (!active_) return;
  next_step_ = now + kStep;
  for (std::size_t bytes = 0; bytes < bytes_per_step();) {
    const Item* item = outbox_.peek();
    if (item == nullptr) break;
    if (const Time at = budget_.ready(item->link_size(), now); at > now) {
      next_step_ = std::max(next_step_, at);
      break;
    }
    bytes += item->link_size();
    if (message_bytes_max == 0 || item->wire_size() <= message_bytes_max) send(*item, now);
    outbox_.take();
  }
  if (outbox_.failure() || outbox_.damaged()) active_ = false;
  if (!outbox_.empty()) return;
  // The hub saw more of a closed epoch than this log has: its tail was lost here, and who asks
  // cannot have it either.
  if (lost_)
    send(make_gap_item(address_, lane_, *lost_, core::GapReason::kLost, effects_.recorded()), now);
  lost_.reset();
  active_ = false;
}

// Half of what the link carries, so that alarms and what is new do not wait behind the old.
std::size_t Repair::bytes_per_step() const {
  const auto rate = window_.rate();
  if (rate == 0) return kBytesUnknown;
  const auto half = rate * static_cast<std::uint64_t>(kStep.count()) / 2000;
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(half, 1, kBytesPerStep));
}

void Repair::send(const Item& item, Time now) {
  budget_.spend(item.link_size(), now);
  effects_.publish(lane_, kToken, {item.subject, item.identity, item.body, item.clock_ns});
}

std::optional<Time> Repair::deadline() const {
  if (!active_ && questions_.empty()) return std::nullopt;
  return next_step_;
}

}  // namespace sluice::sync
