// SPDX-License-Identifier: Apache-2.0
// What operators decided in another database of the model is carried out here, at its place.
#include <algorithm>

#include "projection/engine/model_engine.hpp"
#include "projection/engine/parked_book.hpp"

namespace sluice::projection {

using core::Result;

Result<std::vector<Decision>> ModelEngine::decisions() {
  return Decisions::read(*target_);
}

Result<std::vector<core::Identity>> ModelEngine::take_over(std::span<const Decision> decisions) {
  std::vector<core::Identity> too_late;
  if (decisions.empty()) return too_late;
  Gateways gateways;
  for (const Decision& decision : decisions) gateways.push_back(decision.event.gateway);
  // An operator's word is not read again from the hub: it is synced.
  const auto done = batch({}, gateways, Begin::kSynced, [&]() -> Result<void> {
    too_late.clear();
    for (const Decision& decision : decisions) {
      const auto known = decisions_.done(decision.event);
      if (!known) return known.error();
      if (known->value_or(false)) continue;
      const auto passed = had_effect(decision);
      if (!passed) return passed.error();
      if (*passed && !decision.applied) too_late.push_back(decision.event);
      if (known->has_value()) continue;
      // Kept even if it is too late here, for whatever is built after this.
      Decision waiting = decision;
      waiting.done = false;
      if (*passed && decision.applied) waiting.late = false;  // here it had its turn
      SLUICE_TRY(decisions_.note(waiting));
    }
    return decisions_.reload();  // finish() carries out what has come to its place already
  });
  if (!done) return done.error();
  return too_late;
}

// It was let through, and is neither parked nor given up. What `where` refuses never has one.
Result<bool> ModelEngine::had_effect(const Decision& decision) {
  const core::Identity& event = decision.event;
  if (!decision.category.empty() &&
      !model_->wants(event.gateway, event.lane, decision.category, decision.type))
    return false;
  const auto row = store_->find({event.gateway, event.epoch, event.lane});
  if (!row) return row.error();
  if (*row == nullptr || (*row)->state != RowState::kOpen || (*row)->next <= event.seq ||
      event.seq < (*row)->first)
    return false;
  const auto absent = store_->is_absent(**row, event.seq);
  if (!absent) return absent.error();
  if (*absent) return false;
  const auto parked = ParkedBook(*target_).find(event);
  if (!parked) return parked.error();
  return !*parked;
}

// All of this epoch below `next` has come.
Result<bool> ModelEngine::is_at(std::string_view gateway, core::Lane lane, core::Epoch epoch,
                                core::Seq next) {
  if (next == 0) return true;
  const auto row = store_->find({gateway, epoch, lane});
  if (!row) return row.error();
  return *row != nullptr && (*row)->state == RowState::kOpen && (*row)->next >= next;
}

// Where the lane of this event stands: behind what took effect there last.
Result<void> ModelEngine::set_place(Decision& decision) {
  const auto rows = store_->lane_rows(decision.event.gateway, decision.event.lane);
  if (!rows) return rows.error();
  const GateRow* newest = nullptr;
  for (const GateRow* row : *rows)
    if (row->state == RowState::kOpen && (newest == nullptr || row->order >= newest->order))
      newest = row;
  const auto running = std::find_if(
      rows->begin(), rows->end(), [](const GateRow* row) { return row->running != Running::kNot; });
  if (running != rows->end()) newest = *running;
  if (newest == nullptr) return {};
  const auto order = store_->newest_order(decision.event.gateway);
  if (!order) return order.error();
  decision.newest = order->value_or(0);
  decision.epoch = newest->epoch;
  decision.next = newest->next;
  return {};
}

// Before the next event of a lane has its effect.
Result<void> ModelEngine::carry_out_decisions(std::string_view gateway, core::Lane lane) {
  const Decisions::Places* places = decisions_.places(gateway, lane);
  if (places == nullptr) return {};
  for (const auto& [epoch, next] : *places) {
    const auto here = is_at(gateway, lane, epoch, next);
    if (!here) return here.error();
    if (*here) return carry_out_due();
  }
  return {};
}

Result<void> ModelEngine::carry_out_decisions() {
  return decisions_.places().empty() ? Result<void>() : carry_out_due();
}

// One may set the next of its stream free, whose turn then is before that of all later decisions.
Result<void> ModelEngine::carry_out_due() {
  for (bool moved = true; moved;) {
    moved = false;
    for (Decision& decision : decisions_.armed()) {
      const auto here =
          is_at(decision.event.gateway, decision.event.lane, decision.epoch, decision.next);
      if (!here) return here.error();
      if (!*here) continue;
      const auto settled = carry_out(std::move(decision));
      if (!settled) return settled.error();
      moved = *settled;
      if (moved) break;
    }
  }
  return {};
}

// False: it waits behind another of its stream, or still does not fit.
Result<bool> ModelEngine::carry_out(Decision decision) {
  ParkedBook book(*target_);
  const auto found = book.find(decision.event);
  if (!found) return found.error();
  ParkedOutcome out;
  if (*found && (*found)->event.kind != "behind") {
    if (marked_) newest_then_ = decision.newest;
    const auto settled = settle_one(book, **found, decision.applied, out);
    newest_then_ = 0;
    if (!settled) return settled.error();
  }
  if (!out.settled) {
    decisions_.disarm(decision.event);
    return false;
  }
  SLUICE_TRY(note_settled(book, std::move(decision), out, ", taken over"));
  SLUICE_TRY(parking_->reload());
  return true;
}

}  // namespace sluice::projection
