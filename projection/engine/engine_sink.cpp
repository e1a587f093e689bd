// SPDX-License-Identifier: Apache-2.0
// What the engine does with what its gate lets through, and with what it does not.
#include <algorithm>

#include "core/text.hpp"
#include "projection/engine/event_sink.hpp"
#include "projection/engine/model_engine.hpp"

namespace sluice::projection {
namespace {

using core::Result;

constexpr std::size_t kAlarmsMax = 16;  // per batch

std::string identity_of(const core::EventView& event) {
  return core::Identity{std::string(event.gateway), event.epoch, event.lane, event.seq, 0}.text();
}

std::string decided_words(const Decision& decision) {
  return (decision.applied ? "retried by an operator: " : "given up by an operator: ") +
         decision.reason;
}

}  // namespace

Result<void> ModelEngine::apply(const Applied& applied) {
  const core::EventView& event = applied.event;
  const bool wanted =
      settings_.sink || (model_->wants(event.gateway, event.lane, event.category, event.type) &&
                         (!settings_.only || settings_.only(event)));
  if (wanted) {
    SLUICE_TRY(carry_out_decisions(event.gateway, event.lane));
    const Decision* decision = decisions_.waits_for(event);
    // What was late where they decided has its turn later here too, beside its stream.
    if (decision != nullptr && decision->late)
      return park(event, applied.body, "late", decided_words(*decision), applied.hub_seq,
                  applied.clock_ns);
    if (parking_->is_blocked(event))
      return park(event, applied.body, "behind", "an earlier event of its stream is parked",
                  applied.hub_seq, applied.clock_ns);
    if (decision != nullptr && !decision->applied)
      return park(event, applied.body, "poison", decided_words(*decision), applied.hub_seq,
                  applied.clock_ns);
    const auto why = take_effect(applied);
    if (!why) return why.error();
    if (!why->empty())
      return park(event, applied.body, evaluator_->was_too_late() ? "late" : "poison", *why,
                  applied.hub_seq, applied.clock_ns);
  }
  ++outcome_.applied;
  if (applied.is_late) ++outcome_.old_epoch;
  last_event_ns_ = std::max(last_event_ns_, corrected(event.recorded.wall_ns, applied.clock_ns));
  return {};
}

Result<void> ModelEngine::pass() {
  ++outcome_.applied;
  return {};
}

Result<void> ModelEngine::late(const core::EventView& event, std::string_view body,
                               std::uint64_t hub_seq) {
  // A copy of one that was settled would have its effect twice.
  const auto settled =
      decisions_.done({std::string(event.gateway), event.epoch, event.lane, event.seq, 0});
  if (!settled) return settled.error();
  if (settled->value_or(false)) return {};
  const auto added = parking_->park(event, body, "late", "it came after its range was given up",
                                    hub_seq, now_ns_, 0);
  if (!added) return added.error();
  ++outcome_.late;
  decisions_.arm(event);
  if (*added) alarm("event " + identity_of(event) + " came after it was given up: parked");
  return {};
}

Result<void> ModelEngine::park(const core::EventView& event, std::string_view body,
                               std::string_view kind, const std::string& why, std::uint64_t hub_seq,
                               std::int64_t clock_ns) {
  const auto added = parking_->park(event, body, kind, why, hub_seq, now_ns_, clock_ns);
  if (!added) return added.error();
  ++outcome_.parked;
  if (kind != "behind") decisions_.arm(event);
  if (kind == "poison" && decisions_.waits_for(event) == nullptr)
    alarm("parked event " + identity_of(event) + " of " + core::printable(event.stream().text()) +
          " and what follows it there: " + why);
  return {};
}

Result<void> ModelEngine::refuse(const HubStream& hub, const Incoming& message,
                                 const std::string& why) {
  const auto added = parking_->refuse(hub, message, why, now_ns_);
  if (!added) return added.error();
  ++outcome_.refused;
  if (!*added) return {};
  ++refused_;
  alarm("refused message " + std::to_string(message.hub_seq) + " of " + hub.name + ": " + why);
  return {};
}

void ModelEngine::alarm(std::string text) {
  if (outcome_.alarms.size() < kAlarmsMax) outcome_.alarms.push_back(std::move(text));
}

void ModelEngine::report(const Row& row) {
  if (row.table >= model_->tables().size()) return;  // the engine's own
  if (row.table != reported_) stamps_.changed(model_->tables()[row.table].name);
  reported_ = row.table;
  if (!settings_.report_changes) return;
  if (outcome_.changes.size() == kChangesMax) {
    outcome_.changes_cut = true;
    return;
  }
  const Table& table = model_->tables()[row.table];
  const std::size_t cells = row.exists ? table.key.size() + table.columns.size() : table.key.size();
  outcome_.changes.push_back(
      {table.name,
       !row.exists,
       {row.cells.begin(), row.cells.begin() + static_cast<std::ptrdiff_t>(cells)}});
}

}  // namespace sluice::projection
