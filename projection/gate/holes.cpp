// SPDX-License-Identifier: Apache-2.0
// The gate's view of what is missing, and the ways past it: `history = available`, and the
// operator's skip.
#include <algorithm>
#include <set>
#include <tuple>

#include "projection/gate/batch.hpp"
#include "projection/gate/gate.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

namespace {

constexpr std::size_t kRowHolesMax = 16;    // further ones are asked for when these are closed
constexpr std::size_t kRowItemsMax = 1024;  // held items looked at per row

}  // namespace

Result<bool> Gate::is_collecting(std::string_view gateway, core::Lane lane) {
  if (settings_.history != History::kAvailable || !settings_.beginning_missing) return false;
  const auto rows = store_.lane_rows(gateway, lane);
  if (!rows) return rows.error();
  return std::none_of(rows->begin(), rows->end(),
                      [](const GateRow* row) { return row->state == RowState::kOpen; });
}

// The lowest seq above `next` of which the gate knows that it exists; 0: none.
Result<Seq> Gate::lowest_known(const GateRow& row) {
  const auto items = store_.held_from(row, row.next, 1);
  if (!items) return items.error();
  Seq lowest = items->empty() ? 0 : items->front().seq;
  if (row.not_stored && (lowest == 0 || row.not_stored->seq < lowest)) lowest = row.not_stored->seq;
  return lowest;
}

Result<void> Gate::settle_lane(std::string_view gateway, core::Lane lane, Batch& batch) {
  const auto rows = store_.lane_rows(gateway, lane);
  if (!rows) return rows.error();
  std::vector<GateRow*> opened;
  for (GateRow* row : *rows) {
    Seq first = row->first;
    if (row->state == RowState::kUnopened) {
      const auto lowest = lowest_known(*row);
      if (!lowest) return lowest.error();
      first = *lowest;
    } else {
      const auto predecessor = store_.find({row->gateway, row->previous, row->lane});
      if (!predecessor) return predecessor.error();
      if (*predecessor != nullptr) continue;  // it opens as always, when that one is complete
    }
    if (first == 0) continue;
    row->first = row->next = first;
    SLUICE_TRY(make_open(*row));
    row->start = RowStart::kAvailable;
    opened.push_back(row);
  }
  for (GateRow* row : opened) SLUICE_TRY(advance(*row, batch));
  return {};
}

Result<Answer> Gate::settle(GateSink& sink) {
  Batch batch{sink, {}};
  if (settings_.history != History::kAvailable || !settings_.beginning_missing)
    return std::move(batch.answer);
  const auto rows = store_.unfinished(SIZE_MAX);
  if (!rows) return rows.error();
  std::set<std::pair<std::string, core::Lane>> lanes;
  for (const GateRow* row : *rows)
    if (row->state != RowState::kOpen) lanes.emplace(row->gateway, row->lane);
  for (const auto& [gateway, lane] : lanes) {
    const auto collecting = is_collecting(gateway, lane);
    if (!collecting) return collecting.error();
    if (*collecting) SLUICE_TRY(settle_lane(gateway, lane, batch));
  }
  return std::move(batch.answer);
}

// The end of the first hole of an open row, or of what its successors wait for; 0: nothing missing.
Result<Seq> Gate::hole_end(const GateRow& row) {
  const auto lowest = lowest_known(row);
  if (!lowest) return lowest.error();
  if (*lowest > row.next) return *lowest - 1;
  Seq last = 0;
  const auto successors = store_.waiting_on(row.gateway, row.lane, row.epoch);
  if (!successors) return successors.error();
  for (const GateRow* successor : *successors) last = std::max(last, successor->previous_last);
  return last >= row.next ? last : 0;
}

Result<std::optional<HoleRange>> Gate::missing(const RowRef& ref) {
  using Range = std::optional<HoleRange>;
  const auto found = store_.find(ref);
  if (!found) return found.error();
  const GateRow* row = *found;
  if (row != nullptr && row->state == RowState::kWaiting) {
    const auto before = store_.find({row->gateway, row->previous, row->lane});
    if (!before) return before.error();
    const bool began = *before != nullptr && (*before)->state == RowState::kOpen;
    return Range(HoleRange{0, began ? (*before)->next - 1 : 0});
  }
  const bool is_open = row != nullptr && row->state == RowState::kOpen;
  if (is_open && row->held == 0 && !row->not_stored && row->wake_at == 0) return Range();
  if (is_open) {
    const auto end = hole_end(*row);
    if (!end) return end.error();
    return *end == 0 ? Range() : Range(HoleRange{row->next, *end});
  }
  const auto lowest = row != nullptr ? lowest_known(*row) : Result<Seq>(0);
  if (!lowest) return lowest.error();
  Seq to = *lowest == 0 ? 0 : *lowest - 1;
  if (*lowest == 0) {  // an epoch that is known only as the predecessor of another
    const auto successors = store_.waiting_on(ref.gateway, ref.lane, ref.epoch);
    if (!successors) return successors.error();
    if (successors->empty()) return Range();
    for (const GateRow* successor : *successors) to = std::max(to, successor->previous_last);
  }
  return Range(to == 0 ? HoleRange{} : HoleRange{1, to});
}

Result<Answer> Gate::skip(const RowRef& ref, std::string_view reason, GateSink& sink) {
  Batch batch{sink, {}};
  const std::string word = "skipped: " + std::string(reason);
  const auto nothing = [] { return fail(Errc::kNotFound, "nothing is missing there"); };
  const auto found = store_.find(ref);
  if (!found) return found.error();
  GateRow* row = *found;
  if (row == nullptr) {  // an epoch that is known only as the predecessor of another
    const auto successors = store_.waiting_on(ref.gateway, ref.lane, ref.epoch);
    if (!successors) return successors.error();
    if (successors->empty()) return nothing();
    auto made = make_row(ref, successors->front()->since_ns, successors->front()->since_hub_seq);
    if (!made) return made.error();
    row = *made;
  }
  switch (row->state) {
    case RowState::kUnopened: {
      const auto lowest = lowest_known(*row);
      if (!lowest) return lowest.error();
      row->first = row->next = 1;  // the true first is not known: all below counts as given up
      SLUICE_TRY(make_open(*row));
      row->start = RowStart::kSkipped;
      const auto end = hole_end(*row);
      if (!end) return end.error();
      const Seq to = *lowest != 0 ? *lowest - 1 : *end;
      if (to != 0) SLUICE_TRY(store_.add_absent(*row, 1, to, word));
      row->next = to + 1;
      break;
    }
    case RowState::kWaiting:
      SLUICE_TRY(make_open(*row));
      break;
    case RowState::kOpen: {
      const auto end = hole_end(*row);
      if (!end) return end.error();
      if (*end == 0) return nothing();
      SLUICE_TRY(step_over(*row, *end, word, batch));
      break;
    }
  }
  batch.answer.verdict = Verdict::kApplied;
  SLUICE_TRY(advance(*row, batch));
  return std::move(batch.answer);
}

namespace {

Hole hole_of(const GateRow& row, Seq from, Seq to, Hole::Kind kind) {
  Hole hole;
  hole.gateway = row.gateway;
  hole.epoch = row.epoch;
  hole.lane = row.lane;
  hole.from = from;
  hole.to = to;
  hole.kind = kind;
  hole.since_ns = row.since_ns;
  hole.since_hub_seq = row.since_hub_seq;
  hole.held = row.held;
  return hole;
}

}  // namespace

// Holes between what is held. `cursor` ends behind the last held item.
Result<void> Gate::row_holes(const GateRow& row, Seq& cursor, std::vector<Hole>& out) {
  const auto items = store_.held_from(row, row.next, kRowItemsMax);
  if (!items) return items.error();
  const std::size_t before = out.size();
  cursor = row.next;
  for (const HeldItem& item : *items) {
    if (item.seq > cursor && out.size() - before < kRowHolesMax) {
      const bool beginning = cursor == 0;
      // An unopened row always has a hole, so that it can be asked for and skipped.
      out.push_back(hole_of(row, std::max<Seq>(cursor, 1), std::max<Seq>(item.seq - 1, 1),
                            beginning ? Hole::Kind::kBeginning : Hole::Kind::kMissing));
      out.back().since_ns = item.seen_ns;
      out.back().since_hub_seq = item.hub_seq;
    }
    cursor = std::max(cursor, (item.is_gap() ? item.to : item.seq) + 1);
  }
  if (items->empty() && row.not_stored && row.not_stored->seq > std::max<Seq>(cursor, 1))
    out.push_back(hole_of(row, std::max<Seq>(cursor, 1), row.not_stored->seq - 1,
                          cursor == 0 ? Hole::Kind::kBeginning : Hole::Kind::kMissing));
  return {};
}

Result<std::vector<Hole>> Gate::holes(std::size_t limit) {
  std::vector<Hole> out;
  const auto rows = store_.unfinished(limit);
  if (!rows) return rows.error();
  std::set<std::tuple<std::string, core::Epoch, core::Lane>> predecessors;
  for (const GateRow* row : *rows) {
    if (out.size() >= limit) break;
    Seq cursor = 0;
    SLUICE_TRY(row_holes(*row, cursor, out));
    if (row->state != RowState::kWaiting) continue;
    if (!predecessors.emplace(row->gateway, row->previous, row->lane).second) continue;
    SLUICE_TRY(predecessor_hole(*row, out));
  }
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<void> Gate::predecessor_hole(const GateRow& row, std::vector<Hole>& out) {
  const auto found = store_.find({row.gateway, row.previous, row.lane});
  const auto waiting = store_.waiting_on(row.gateway, row.lane, row.previous);
  if (!found) return found.error();
  if (!waiting) return waiting.error();
  Seq last = 0;
  for (const GateRow* successor : *waiting) last = std::max(last, successor->previous_last);
  Seq from = 1;
  if (*found != nullptr) {
    std::vector<Hole> inner;
    SLUICE_TRY(row_holes(**found, from, inner));
    // What lies below its held items is listed with the row itself.
    if ((*found)->not_stored) return {};
  }
  from = std::max<Seq>(from, 1);
  if (from > last) return {};
  Hole hole = hole_of(row, from, last, Hole::Kind::kPredecessor);
  hole.epoch = row.previous;
  hole.held = *found == nullptr ? 0 : (*found)->held;
  out.push_back(std::move(hole));
  return {};
}

}  // namespace sluice::projection
