// SPDX-License-Identifier: Apache-2.0
// Positions and the facts that a status page shows.
#include <algorithm>

#include "projection/sqlite_engine.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

std::int64_t as_int(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}
std::uint64_t as_uint(std::int64_t v) {
  return static_cast<std::uint64_t>(v);
}

}  // namespace

Result<std::optional<Position>> SqliteEngine::position(const std::string& hub_stream) {
  const sqlite::Statement::Resetting guard{position_};
  const auto row = position_.bind(1, std::string_view(hub_stream)).step();
  if (!row) return row.error();
  // A row with sequence 0 says only that the hub stream was begun once.
  if (!*row || position_.integer(1) == 0) return std::optional<Position>();
  Position out;
  out.hub = {hub_stream, std::string(position_.text(0))};
  out.sequence = as_uint(position_.integer(1));
  out.msg_id = position_.text(2);
  out.next = as_uint(position_.integer(3));
  return std::optional(std::move(out));
}

Result<void> SqliteEngine::begin(const HubStream& hub, std::uint64_t first_seq) {
  {
    const sqlite::Statement::Resetting guard{position_};
    const auto known = position_.bind(1, std::string_view(hub.name)).step();
    if (!known) return known.error();
    if (*known) return {};
  }
  if (first_seq > 1 && model_->history() == History::kWhole)
    return fail(Errc::kConfig,
                "hub stream " + hub.name + " begins at message " + std::to_string(first_seq) +
                    ", and model " + model_->name() +
                    " needs its whole history: write history = \"available\" to begin with what is "
                    "there",
                "history");
  auto transaction = sqlite::Transaction::begin(database_);
  if (!transaction) return transaction.error();
  auto insert = database_.prepare("INSERT INTO _sluice_position VALUES (?1, ?2, 0, '', 1)");
  if (!insert) return insert.error();
  SLUICE_TRY(
      insert->bind(1, std::string_view(hub.name)).bind(2, std::string_view(hub.created)).run());
  if (first_seq > 1)
    SLUICE_TRY(
        database_.exec("INSERT OR IGNORE INTO _sluice_meta VALUES ('beginning_missing', 1)"));
  SLUICE_TRY(transaction->commit());
  if (first_seq > 1) {
    gate_settings_.beginning_missing = true;
    log_.warning("projection", "model begins with what its hub stream still has",
                 {{"model", model_->name()},
                  {"hub_stream", hub.name},
                  {"first", std::to_string(first_seq)}});
  }
  return {};
}

// What was not stored is found again by reading from the first, and its old place means nothing
// now.
Result<void> SqliteEngine::reset_position(const std::string& hub_stream) {
  auto transaction = sqlite::Transaction::begin(database_);
  if (!transaction) return transaction.error();
  for (const char* text :
       {"UPDATE _sluice_position SET sequence = 0, msg_id = '', next = 1 WHERE hub_stream = ?1",
        "UPDATE _sluice_gate SET unstored_hub = NULL, unstored_hub_seq = NULL, unstored_seq = NULL"
        " WHERE unstored_hub = ?1"}) {
    auto statement = database_.prepare(text);
    if (!statement) return statement.error();
    SLUICE_TRY(statement->bind(1, std::string_view(hub_stream)).run());
  }
  store_->forget();
  return transaction->commit();
}

// Sequences of another life of the hub stream must never be mixed into a position.
Result<void> SqliteEngine::check_life(const HubStream& hub) {
  const auto known = position(hub.name);
  if (!known) return known.error();
  if (!*known || (*known)->hub.created == hub.created) return {};
  return fail(Errc::kBadRequest, "hub stream " + hub.name + " was created at " + hub.created +
                                     ", the position is of " + (*known)->hub.created +
                                     ": it must be reset first");
}

Result<void> SqliteEngine::save_position(const HubStream& hub, const Incoming& last) {
  save_position_.bind(1, std::string_view(hub.name)).bind(2, std::string_view(hub.created));
  return save_position_.bind(3, as_int(last.hub_seq)).bind(4, last.msg_id).run();
}

Result<std::vector<Hole>> SqliteEngine::holes(std::size_t limit) {
  return gate().holes(limit);
}

Result<std::vector<ParkedEvent>> SqliteEngine::parked(std::size_t limit) {
  return parking_->list(limit);
}

Result<std::vector<LaneState>> SqliteEngine::lanes(std::size_t limit) {
  auto rows = database_.prepare(
      "SELECT g.gateway, g.lane, g.epoch, g.state, g.next, s.epochs, s.held, s.absent, s.blocked,"
      " s.available FROM (SELECT max(id) AS newest, count(*) AS epochs, sum(held) AS held,"
      " sum(absent) AS absent, max(unstored_hub IS NOT NULL) AS blocked,"
      " min(CASE WHEN start = 1 THEN first END) AS available"
      " FROM _sluice_gate GROUP BY gateway, lane) AS s JOIN _sluice_gate AS g ON g.id = s.newest"
      " ORDER BY g.gateway, g.lane LIMIT ?1");
  if (!rows) return rows.error();
  rows->bind(1, as_int(std::min<std::uint64_t>(limit, INT64_MAX)));
  std::vector<LaneState> out;
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return out;
    const auto epoch = core::Epoch::parse(rows->text(2));
    if (!epoch) return epoch.error();
    LaneState lane;
    lane.gateway = rows->text(0);
    lane.lane = static_cast<core::Lane>(rows->integer(1));
    lane.epoch = *epoch;
    lane.open = rows->integer(3) == static_cast<std::int64_t>(RowState::kOpen);
    lane.next = lane.open ? as_uint(rows->integer(4)) : 0;
    lane.epochs = as_uint(rows->integer(5));
    lane.held = as_uint(rows->integer(6));
    lane.absent = as_uint(rows->integer(7));
    lane.blocked = rows->integer(8) != 0;
    lane.available_from = as_uint(rows->integer(9));
    out.push_back(std::move(lane));
  }
}

Result<EngineTotals> SqliteEngine::totals() {
  auto row = database_.prepare(
      "SELECT applied, refused, last_event_ns, (SELECT count(*) FROM _sluice_parked),"
      " (SELECT count(*) FROM _sluice_parked WHERE kind = 'late'), old_epoch"
      " FROM _sluice_totals");
  if (!row) return row.error();
  const auto found = row->step();
  if (!found) return found.error();
  if (!*found) return fail(Errc::kCorrupt, "the totals are missing");
  EngineTotals out;
  out.applied = as_uint(row->integer(0));
  out.refused = as_uint(row->integer(1));
  out.last_event_ns = row->integer(2);
  out.parked = as_uint(row->integer(3));
  out.late = as_uint(row->integer(4));
  out.old_epoch = as_uint(row->integer(5));
  return out;
}

}  // namespace sluice::projection
