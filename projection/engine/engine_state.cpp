// SPDX-License-Identifier: Apache-2.0
// Positions and the facts that a status page shows.
#include <algorithm>

#include "projection/engine/model_engine.hpp"

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

void ModelEngine::set_fence(const std::string& hub_stream, std::optional<std::uint64_t> token) {
  if (token)
    fences_[hub_stream] = *token;
  else
    fences_.erase(hub_stream);
}

Result<std::uint64_t> ModelEngine::fence(const std::string& hub_stream) {
  const Statement::Resetting guard{*fence_seen_};
  const auto row = fence_seen_->bind(1, std::string_view(hub_stream)).step();
  if (!row) return row.error();
  return *row ? as_uint(fence_seen_->integer(0)) : 0;
}

Result<std::optional<Position>> ModelEngine::position(const std::string& hub_stream) {
  const Statement::Resetting guard{*position_};
  const auto row = position_->bind(1, std::string_view(hub_stream)).step();
  if (!row) return row.error();
  // A row with sequence 0 says only that the hub stream was begun once.
  if (!*row || position_->integer(1) == 0) return std::optional<Position>();
  Position out;
  out.hub = {hub_stream, std::string(position_->text(0))};
  out.sequence = as_uint(position_->integer(1));
  out.msg_id = position_->text(2);
  out.next = as_uint(position_->integer(3));
  return std::optional(std::move(out));
}

Result<void> ModelEngine::begin(const HubStream& hub, std::uint64_t first_seq) {
  {
    const Statement::Resetting guard{*position_};
    const auto known = position_->bind(1, std::string_view(hub.name)).step();
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
  auto transaction = Transaction::begin(*target_, Begin::kWrite);
  if (!transaction) return transaction.error();
  const auto insert = target_->prepare(
      "INSERT INTO _sluice_position (hub_stream, created, sequence, msg_id, next)"
      " VALUES (?1, ?2, 0, '', 1) ON CONFLICT (hub_stream) DO NOTHING");
  if (!insert) return insert.error();
  SLUICE_TRY(
      (*insert)->bind(1, std::string_view(hub.name)).bind(2, std::string_view(hub.created)).run());
  if (first_seq > 1)
    SLUICE_TRY(
        target_->exec("INSERT INTO _sluice_meta (name, value) VALUES ('beginning_missing', '1')"
                      " ON CONFLICT (name) DO NOTHING"));
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
Result<void> ModelEngine::reset_position(const std::string& hub_stream) {
  auto transaction = Transaction::begin(*target_, Begin::kWrite);
  if (!transaction) return transaction.error();
  for (const char* text :
       {"UPDATE _sluice_position SET sequence = 0, msg_id = '', next = 1 WHERE hub_stream = ?1",
        "UPDATE _sluice_gate SET unstored_hub = NULL, unstored_hub_seq = NULL, unstored_seq = NULL"
        " WHERE unstored_hub = ?1"}) {
    const auto statement = target_->prepare(text);
    if (!statement) return statement.error();
    SLUICE_TRY((*statement)->bind(1, std::string_view(hub_stream)).run());
  }
  store_->forget();
  return transaction->commit();
}

// Sequences of another life of the hub stream must never be mixed into a position.
Result<void> ModelEngine::check_life(const HubStream& hub) {
  const auto known = position(hub.name);
  if (!known) return known.error();
  if (!*known || (*known)->hub.created == hub.created) return {};
  return fail(Errc::kBadRequest, "hub stream " + hub.name + " was created at " + hub.created +
                                     ", the position is of " + (*known)->hub.created +
                                     ": it must be reset first");
}

Result<void> ModelEngine::save_position(const HubStream& hub, const Incoming& last) {
  save_position_->bind(1, std::string_view(hub.name)).bind(2, std::string_view(hub.created));
  save_position_->bind(3, as_int(last.hub_seq)).bind(4, last.msg_id);
  return save_position_->bind(5, as_int(last.hub_seq) + 1).post();
}

Result<void> ModelEngine::turn_back(const std::string& hub_stream, std::uint64_t sequence) {
  return turn_back_->bind(1, std::string_view(hub_stream)).bind(2, as_int(sequence)).post();
}

Result<std::vector<Hole>> ModelEngine::holes(std::size_t limit) {
  look_anew();
  return gate().holes(limit);
}

Result<std::vector<Branch>> ModelEngine::branches(std::size_t limit) {
  return read_branches(*target_, limit);
}

Result<std::vector<ParkedEvent>> ModelEngine::parked(std::size_t limit) {
  return parking_->list(limit);
}

Result<std::vector<GatePoint>> ModelEngine::vector() {
  std::vector<GatePoint> out;
  SLUICE_TRY(each_row(*vector_, [&](const Statement& row) -> Result<void> {
    const auto epoch = core::Epoch::parse(row.text(2));
    if (!epoch) return epoch.error();
    out.push_back({std::string(row.text(0)), static_cast<core::Lane>(row.integer(1)), *epoch,
                   as_uint(row.integer(3))});
    return {};
  }));
  return out;
}

Result<bool> ModelEngine::covers(const RowRef& ref, core::Seq seq) {
  look_anew();
  const auto row = store_->find(ref);
  if (!row) return row.error();
  return *row != nullptr && (*row)->state == RowState::kOpen && (*row)->next > seq;
}

Result<std::vector<LaneState>> ModelEngine::lanes(std::size_t limit) {
  const auto rows = target_->prepare(
      "SELECT g.gateway, g.lane, g.epoch, g.state, g.next, s.epochs, s.held, s.absent, s.blocked,"
      " s.available FROM (SELECT max(id) AS newest, count(*) AS epochs,"
      " CAST(sum(held) AS BIGINT) AS held, CAST(sum(absent) AS BIGINT) AS absent,"
      " max(CASE WHEN unstored_hub IS NOT NULL THEN 1 ELSE 0 END) AS blocked,"
      " min(CASE WHEN start = 1 THEN first END) AS available"
      " FROM _sluice_gate GROUP BY gateway, lane) AS s JOIN _sluice_gate AS g ON g.id = s.newest"
      " ORDER BY g.gateway, g.lane LIMIT ?1");
  if (!rows) return rows.error();
  (*rows)->bind(1, as_int(std::min<std::uint64_t>(limit, INT64_MAX)));
  std::vector<LaneState> out;
  SLUICE_TRY(each_row(**rows, [&](const Statement& row) -> Result<void> {
    const auto epoch = core::Epoch::parse(row.text(2));
    if (!epoch) return epoch.error();
    LaneState lane;
    lane.gateway = row.text(0);
    lane.lane = static_cast<core::Lane>(row.integer(1));
    lane.epoch = *epoch;
    lane.open = row.integer(3) == static_cast<std::int64_t>(RowState::kOpen);
    lane.next = lane.open ? as_uint(row.integer(4)) : 0;
    lane.epochs = as_uint(row.integer(5));
    lane.held = as_uint(row.integer(6));
    lane.absent = as_uint(row.integer(7));
    lane.blocked = row.integer(8) != 0;
    lane.available_from = as_uint(row.integer(9));
    out.push_back(std::move(lane));
    return {};
  }));
  return out;
}

Result<EngineTotals> ModelEngine::totals() {
  const auto row = target_->prepare(
      "SELECT CAST(coalesce(sum(applied), 0) AS BIGINT), CAST(coalesce(sum(refused), 0) AS BIGINT),"
      " coalesce(max(last_event_ns), 0), (SELECT count(*) FROM _sluice_parked),"
      " (SELECT count(*) FROM _sluice_parked WHERE kind = 'late'),"
      " CAST(coalesce(sum(old_epoch), 0) AS BIGINT) FROM _sluice_totals");
  if (!row) return row.error();
  EngineTotals out;
  SLUICE_TRY(each_row(**row, [&](const Statement& sums) -> Result<void> {
    out.applied = as_uint(sums.integer(0));
    out.refused = as_uint(sums.integer(1));
    out.last_event_ns = sums.integer(2);
    out.parked = as_uint(sums.integer(3));
    out.late = as_uint(sums.integer(4));
    out.old_epoch = as_uint(sums.integer(5));
    return {};
  }));
  return out;
}

}  // namespace sluice::projection
