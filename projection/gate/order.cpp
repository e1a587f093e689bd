// SPDX-License-Identifier: Apache-2.0
// The gate's order of a gateway's epochs: which of them is the newest, whose events come late.
#include <algorithm>

#include "projection/gate/batch.hpp"
#include "projection/gate/gate.hpp"

namespace sluice::projection {

using core::Result;

Result<void> Gate::make_open(GateRow& row) {
  const auto order = order_of(row);
  if (!order) return order.error();
  row.order = *order;
  row.state = RowState::kOpen;
  return store_.order_changed(row);
}

Result<std::int64_t> Gate::order_of(const GateRow& row) {
  // An epoch is opened in every lane: the lane that came first has said where it stands.
  for (const core::Lane lane : core::kLanes) {
    if (lane == row.lane) continue;
    const auto other = store_.find({row.gateway, row.epoch, lane});
    if (!other) return other.error();
    if (*other != nullptr && (*other)->state == RowState::kOpen) return (*other)->order;
  }
  const auto newest = store_.newest_order(row.gateway);
  if (!newest) return newest.error();
  if (!*newest) return std::int64_t{1};
  // It may come after its own successor, when an operator stepped over it.
  const auto after = store_.order_after(row.gateway, row.lane, row.epoch);
  if (!after) return after.error();
  if (*after) return **after - 1;
  if (!row.aside) return **newest + 1;
  if (row.previous) {
    const auto before = store_.find({row.gateway, row.previous, row.lane});
    if (!before) return before.error();
    if (*before != nullptr && (*before)->state == RowState::kOpen) return (*before)->order;
  }
  const auto oldest = store_.oldest_order(row.gateway);
  if (!oldest) return oldest.error();
  return **oldest - 1;
}

Result<void> Gate::apply_one(GateRow& row, const core::EventView& event, std::string_view body,
                             std::uint64_t hub_seq, std::int64_t clock_ns, Batch& batch) {
  const auto newest = store_.newest_order(row.gateway);
  if (!newest) return newest.error();
  const bool is_late = *newest && row.order < **newest;
  const Running how = is_late ? Running::kLate : Running::kOnTime;
  if (row.running != how) SLUICE_TRY(begin_run(row, event.seq, how));
  SLUICE_TRY(batch.sink.apply({event, body, hub_seq, row.order, is_late, clock_ns}));
  ++batch.answer.applied;
  return {};
}

// Nothing else keeps how epochs that go on beside each other came between each other.
Result<void> Gate::begin_run(GateRow& row, core::Seq first, Running how) {
  const auto rows = store_.lane_rows(row.gateway, row.lane);
  if (!rows) return rows.error();
  for (GateRow* other : *rows) {
    if (other->running == Running::kNot) continue;
    other->running = Running::kNot;
    SLUICE_TRY(store_.changed(*other));
  }
  row.running = how;
  SLUICE_TRY(store_.changed(row));
  return store_.add_run(row, first, how == Running::kLate);
}

}  // namespace sluice::projection
