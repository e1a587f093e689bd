// SPDX-License-Identifier: Apache-2.0
#include "projection/query/reach.hpp"

namespace sluice::projection {

using core::Result;

namespace {

std::int64_t number(core::Seq seq) {
  return static_cast<std::int64_t>(seq);
}

}  // namespace

Result<ReachReader> ReachReader::prepare(Target& target) {
  ReachReader out;
  const std::pair<std::unique_ptr<Statement>*, std::string_view> wanted[] = {
      {&out.positions_,
       "SELECT hub_stream, created, sequence FROM _sluice_position ORDER BY hub_stream"},
      {&out.last_event_, "SELECT coalesce(max(last_event_ns), 0) FROM _sluice_totals"},
      {&out.row_,
       "SELECT id, first, next FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 AND epoch = ?3"},
      // Opened (state 2), so that `previous_last` is what its EpochOpened says.
      {&out.successor_,
       "SELECT 1 FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 AND previous = ?3 AND "
       "state = 2 AND previous_last < ?4 LIMIT 1"},
      {&out.parked_,
       "SELECT 1 FROM _sluice_parked WHERE gateway = ?1 AND lane = ?2 AND epoch = ?3 AND seq = ?4"},
      {&out.absent_,
       "SELECT 1 FROM _sluice_absent WHERE row = ?1 AND first <= ?2 AND last >= ?2 LIMIT 1"}};
  for (const auto& [statement, sql] : wanted) {
    auto prepared = target.prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return out;
}

Result<std::vector<QueryPosition>> ReachReader::positions() {
  const Statement::Resetting resetting{*positions_};
  std::vector<QueryPosition> out;
  for (;;) {
    const auto row = positions_->step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back({std::string(positions_->text(0)), std::string(positions_->text(1)),
                   static_cast<std::uint64_t>(positions_->integer(2))});
  }
}

Result<std::int64_t> ReachReader::last_event_ns() {
  const Statement::Resetting resetting{*last_event_};
  const auto row = last_event_->step();
  if (!row) return row.error();
  return *row ? last_event_->integer(0) : 0;
}

Result<std::optional<ReachReader::Row>> ReachReader::row_of(const core::Identity& event) {
  const Statement::Resetting resetting{*row_};
  const std::string epoch = event.epoch.text();
  row_->bind(1, event.gateway)
      .bind(2, static_cast<std::int64_t>(event.lane))
      .bind(3, std::string_view(epoch));
  const auto row = row_->step();
  if (!row) return row.error();
  if (!*row) return std::optional<Row>();
  return std::optional(Row{row_->integer(0), static_cast<core::Seq>(row_->integer(1)),
                           static_cast<core::Seq>(row_->integer(2))});
}

Result<bool> ReachReader::any(Statement& statement) {
  const Statement::Resetting resetting{statement};
  return statement.step();
}

Result<Reached> ReachReader::reached(const core::Identity& event) {
  using State = Reached::State;
  const auto row = row_of(event);
  if (!row) return row.error();
  Reached out;
  if (*row) out.next = (*row)->next;
  const std::string epoch = event.epoch.text();
  const auto bind = [&](Statement& statement) -> Statement& {
    return statement.bind(1, event.gateway)
        .bind(2, static_cast<std::int64_t>(event.lane))
        .bind(3, std::string_view(epoch))
        .bind(4, number(event.seq));
  };
  if (out.next <= event.seq) {
    const auto lost = any(bind(*successor_));
    if (!lost) return lost.error();
    if (*lost) out.state = State::kLost;
    return out;
  }
  out.state = State::kApplied;
  if (event.seq < (*row)->first) {
    out.state = State::kBeforeStart;
    return out;
  }
  const auto parked = any(bind(*parked_));
  if (!parked) return parked.error();
  if (*parked) {
    out.state = State::kParked;
    return out;
  }
  const auto absent = any(absent_->bind(1, (*row)->id).bind(2, number(event.seq)));
  if (!absent) return absent.error();
  if (*absent) out.state = State::kGivenUp;
  return out;
}

}  // namespace sluice::projection
