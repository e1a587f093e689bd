// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/fate.hpp"

#include <algorithm>

namespace sluice::projection {

using core::Result;

namespace {

struct Row {
  std::int64_t id = 0;
  RowState state = RowState::kUnopened;
  core::Seq first = 0;
  core::Seq next = 0;
  core::Epoch previous;
  std::int64_t since_ns = 0;
  std::uint64_t since_hub_seq = 0;
  core::Seq unstored = 0;
};

Result<std::optional<Row>> find_row(Target& target, const RowRef& ref) {
  auto statement = target.prepare(
      "SELECT id, state, first, next, previous, since_ns, since_hub_seq, unstored_seq"
      " FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 AND epoch = ?3");
  if (!statement) return statement.error();
  const std::string epoch = ref.epoch.text();
  (*statement)
      ->bind(1, ref.gateway)
      .bind(2, static_cast<std::int64_t>(ref.lane))
      .bind(3, std::string_view(epoch));
  const Statement::Resetting resetting{**statement};
  const auto there = (*statement)->step();
  if (!there) return there.error();
  if (!*there) return std::optional<Row>();
  Row row;
  row.id = (*statement)->integer(0);
  row.state = static_cast<RowState>((*statement)->integer(1));
  row.first = static_cast<core::Seq>((*statement)->integer(2));
  row.next = static_cast<core::Seq>((*statement)->integer(3));
  if (const auto previous = core::Epoch::parse((*statement)->text(4))) row.previous = *previous;
  row.since_ns = (*statement)->integer(5);
  row.since_hub_seq = static_cast<std::uint64_t>((*statement)->integer(6));
  if (!(*statement)->is_null(7)) row.unstored = static_cast<core::Seq>((*statement)->integer(7));
  return std::optional(row);
}

// The newest row of `from` about this event, handed to `read`, which says whether it counts.
template <class Read>
Result<bool> find_event(Target& target, const std::string& columns, const std::string& from,
                        const RowRef& ref, core::Seq seq, const Read& read) {
  auto statement = target.prepare("SELECT " + columns + " FROM " + from +
                                  " WHERE gateway = ?1 AND lane = ?2 AND epoch = ?3 AND seq = ?4"
                                  " ORDER BY id DESC LIMIT 1");
  if (!statement) return statement.error();
  const std::string epoch = ref.epoch.text();
  (*statement)
      ->bind(1, ref.gateway)
      .bind(2, static_cast<std::int64_t>(ref.lane))
      .bind(3, std::string_view(epoch))
      .bind(4, static_cast<std::int64_t>(seq));
  const Statement::Resetting resetting{**statement};
  const auto there = (*statement)->step();
  if (!there || !*there) return there;
  return read(**statement);
}

Result<bool> find_parked(Target& target, const RowRef& ref, core::Seq seq, Fate& out) {
  return find_event(target, "kind, why, parked_ns", "_sluice_parked", ref, seq,
                    [&](const Statement& row) {
                      out.kind = Fate::Kind::kParked;
                      out.parked_kind = row.text(0);
                      out.why = row.text(1);
                      out.since_ns = row.integer(2);
                      return true;
                    });
}

// What an operator did with an event that was parked.
Result<bool> find_settled(Target& target, const RowRef& ref, core::Seq seq, Fate& out) {
  return find_event(target, "applied, reason, done", "_sluice_settled", ref, seq,
                    [&](const Statement& row) {
                      const bool applied = row.integer(0) % 2 != 0;
                      if (row.integer(2) == 0) return false;  // it waits for its event
                      out.kind = applied ? Fate::Kind::kApplied : Fate::Kind::kSkipped;
                      out.why = row.text(1);
                      return true;
                    });
}

Result<bool> find_absent(Target& target, std::int64_t row, core::Seq seq, Fate& out) {
  auto statement = target.prepare(
      "SELECT reason FROM _sluice_absent WHERE row = ?1 AND first <= ?2 AND last >= ?2");
  if (!statement) return statement.error();
  (*statement)->bind(1, row).bind(2, static_cast<std::int64_t>(seq));
  const Statement::Resetting resetting{**statement};
  const auto there = (*statement)->step();
  if (!there || !*there) return there;
  out.kind = Fate::Kind::kAbsent;
  out.why = (*statement)->text(0);
  return true;
}

// The first hole below a held event: from the row's `next` to what is held lowest.
Result<bool> find_held(Target& target, const Row& row, core::Seq seq, Fate& out) {
  auto statement = target.prepare(
      "SELECT seen_ns, (SELECT min(seq) FROM _sluice_held WHERE row = ?1 AND seq >= ?3)"
      " FROM _sluice_held WHERE row = ?1 AND seq <= ?2 AND last >= ?2 ORDER BY seq DESC LIMIT 1");
  if (!statement) return statement.error();
  (*statement)
      ->bind(1, row.id)
      .bind(2, static_cast<std::int64_t>(seq))
      .bind(3, static_cast<std::int64_t>(row.next));
  const Statement::Resetting resetting{**statement};
  const auto there = (*statement)->step();
  if (!there || !*there) return there;
  out.kind = Fate::Kind::kHeld;
  out.since_ns = (*statement)->integer(0);
  const auto lowest = static_cast<core::Seq>((*statement)->integer(1));
  if (row.state == RowState::kOpen && lowest > row.next) {
    out.hole_from = row.next;
    out.hole_to = lowest - 1;
  }
  if (row.state == RowState::kWaiting) out.predecessor = row.previous;
  return true;
}

Result<Fate> fate_in(Target& target, const RowRef& ref, core::Seq seq) {
  Fate out;
  const auto row = find_row(target, ref);
  if (!row) return row.error();
  if (!*row) return out;
  out.near_hub_seq = (*row)->since_hub_seq;
  // Parked first: what was given up may have come late.
  auto found = find_parked(target, ref, seq, out);
  if (found && !*found) found = find_settled(target, ref, seq, out);
  if (found && !*found) found = find_absent(target, (*row)->id, seq, out);
  if (found && !*found) found = find_held(target, **row, seq, out);
  if (!found) return found.error();
  if (*found) return out;
  if ((*row)->first != 0 && seq < (*row)->first)
    out.kind = Fate::Kind::kBeforeStart;
  else if (seq < (*row)->next)
    out.kind = Fate::Kind::kApplied;
  else if ((*row)->unstored != 0 && seq >= (*row)->unstored)
    out.kind = Fate::Kind::kNotStored;
  else
    out.kind = Fate::Kind::kNotRead;
  return out;
}

}  // namespace

const char* fate_word(Fate::Kind kind) {
  switch (kind) {
    case Fate::Kind::kUnknown:
      return "unknown";
    case Fate::Kind::kNotRead:
      return "not read";
    case Fate::Kind::kHeld:
      return "held";
    case Fate::Kind::kNotStored:
      return "blocked";
    case Fate::Kind::kApplied:
      return "applied";
    case Fate::Kind::kParked:
      return "parked";
    case Fate::Kind::kAbsent:
    case Fate::Kind::kSkipped:
      return "given up";
    case Fate::Kind::kBeforeStart:
      return "before start";
  }
  return "unknown";
}

Result<Fate> read_fate(Target& target, const RowRef& row, core::Seq seq) {
  auto snapshot = Transaction::begin(target, Begin::kSnapshot);
  if (!snapshot) return snapshot.error();
  return fate_in(target, row, seq);
}

}  // namespace sluice::projection
