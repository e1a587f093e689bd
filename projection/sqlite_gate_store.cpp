// SPDX-License-Identifier: Apache-2.0
#include "projection/sqlite_gate_store.hpp"

#include <algorithm>

namespace sluice::projection {
namespace {

using core::Result;
using core::Seq;
using sqlite::Statement;

constexpr std::size_t kCachedRowsMax = 50'000;

#define SLUICE_GATE_COLUMNS                                                                       \
  "id, gateway, lane, epoch, state, start, first, next, previous, previous_last, wake_at, held, " \
  "held_gaps, absent, since_ns, since_hub_seq, unstored_hub, unstored_hub_seq, unstored_seq, "    \
  "epoch_order, aside"

// SQLite has no unsigned 64-bit integer; check_message() refuses seqs above INT64_MAX.
std::int64_t as_int(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}
std::uint64_t as_uint(std::int64_t v) {
  return static_cast<std::uint64_t>(v);
}
std::int64_t lane_number(core::Lane lane) {
  return static_cast<std::int64_t>(lane);
}

// 0, "no epoch", is not a valid epoch's text.
core::Epoch epoch_of(std::string_view text) {
  const auto epoch = core::Epoch::parse(text);
  return epoch ? *epoch : core::Epoch{};
}

HeldItem read_item(const Statement& row, bool with_body) {
  HeldItem item;
  item.seq = as_uint(row.integer(0));
  item.to = row.integer(1) != 0 ? as_uint(row.integer(2)) : 0;
  item.hub_seq = as_uint(row.integer(3));
  item.seen_ns = row.integer(4);
  if (!with_body) return item;
  item.body = row.blob(5);
  item.clock_ns = row.integer(6);
  return item;
}

Result<std::optional<HeldItem>> one_item(Statement& statement) {
  const Statement::Resetting guard{statement};
  const auto row = statement.step();
  if (!row) return row.error();
  if (!*row) return std::optional<HeldItem>();
  return std::optional(read_item(statement, true));
}

}  // namespace

Result<std::unique_ptr<SqliteGateStore>> SqliteGateStore::open(sqlite::Database& database) {
  std::unique_ptr<SqliteGateStore> store(new SqliteGateStore(database));
  SLUICE_TRY(store->prepare());
  return store;
}

Result<void> SqliteGateStore::prepare() {
  const std::pair<Statement*, const char*> all[] = {
      {&find_, "SELECT " SLUICE_GATE_COLUMNS
               " FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 AND epoch = ?3"},
      {&write_, "INSERT OR REPLACE INTO _sluice_gate (" SLUICE_GATE_COLUMNS
                ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
                "?20,?21)"},
      {&lane_rows_, "SELECT " SLUICE_GATE_COLUMNS
                    " FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 ORDER BY id"},
      {&waiting_, "SELECT " SLUICE_GATE_COLUMNS
                  " FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 AND previous = ?3"
                  " AND state = 1 ORDER BY id"},
      {&unfinished_, "SELECT " SLUICE_GATE_COLUMNS
                     " FROM _sluice_gate WHERE state <> 2 OR held <> 0 OR unstored_hub IS NOT NULL"
                     " ORDER BY id LIMIT ?1"},
      {&has_held_, "SELECT 1 FROM _sluice_held WHERE row = ?1 AND seq = ?2 AND gap = ?3"},
      {&hold_,
       "INSERT INTO _sluice_held (row, seq, gap, last, hub_seq, seen_ns, body, clock_ns)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
      {&first_event_,
       "SELECT seq, gap, last, hub_seq, seen_ns, body, clock_ns FROM _sluice_held"
       " WHERE row = ?1 AND seq >= ?2 AND gap = 0 ORDER BY seq LIMIT 1"},
      {&gap_over_,
       "SELECT seq, gap, last, hub_seq, seen_ns, body, clock_ns FROM _sluice_held"
       " WHERE row = ?1 AND seq <= ?2 AND last >= ?2 AND gap = 1 ORDER BY seq LIMIT 1"},
      {&held_from_,
       "SELECT seq, gap, last, hub_seq, seen_ns FROM _sluice_held"
       " WHERE row = ?1 AND seq >= ?2 ORDER BY seq, gap LIMIT ?3"},
      {&count_below_,
       "SELECT count(*), coalesce(sum(gap), 0), coalesce(sum(length(body)), 0)"
       " FROM _sluice_held WHERE row = ?1 AND seq < ?2 AND last < ?2"},
      {&drop_below_, "DELETE FROM _sluice_held WHERE row = ?1 AND seq < ?2 AND last < ?2"},
      {&drop_gap_,
       "DELETE FROM _sluice_held WHERE row = ?1 AND seq = ?2 AND gap = 1"
       " RETURNING length(body)"},
      {&lane_use_,
       "SELECT count(*), coalesce(sum(length(h.body)), 0) FROM _sluice_gate g"
       " JOIN _sluice_held h ON h.row = g.id WHERE g.gateway = ?1 AND g.lane = ?2"
       " AND g.held <> 0"},
      {&add_absent_,
       "INSERT OR REPLACE INTO _sluice_absent (row, first, last, reason)"
       " VALUES (?1, ?2, ?3, ?4)"},
      {&is_absent_,
       "SELECT last >= ?2 FROM _sluice_absent WHERE row = ?1 AND first <= ?2"
       " ORDER BY first DESC LIMIT 1"},
      {&orders_query_,
       "SELECT min(epoch_order), max(epoch_order) FROM _sluice_gate WHERE gateway = ?1"
       " AND state = 2"},
      {&order_after_,
       "SELECT min(epoch_order) FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2"
       " AND previous = ?3 AND state = 2"},
  };
  for (const auto& [statement, text] : all) {
    auto prepared = database_.prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  const auto id = database_.query_int("SELECT coalesce(max(id), 0) FROM _sluice_gate");
  if (!id) return id.error();
  next_id_ = *id + 1;
  return {};
}

void SqliteGateStore::forget() {
  dirty_.clear();
  rows_.clear();
  use_.clear();
  orders_.clear();
  orders_last_ = {};
  last_ = nullptr;
  // Ids of rows that were rolled back are not used again.
}

void SqliteGateStore::trim_cache() {
  if (rows_.size() > kCachedRowsMax) forget();
}

Result<void> SqliteGateStore::flush() {
  for (Cached* row : dirty_) {
    SLUICE_TRY(write(*row));
    row->dirty = false;
  }
  dirty_.clear();
  return {};
}

Result<void> SqliteGateStore::write(const GateRow& row) {
  const std::string epoch = row.epoch.text();
  const std::string previous = row.previous ? row.previous.text() : "";
  write_.bind(1, row.id).bind(2, std::string_view(row.gateway)).bind(3, lane_number(row.lane));
  write_.bind(4, std::string_view(epoch)).bind(5, static_cast<std::int64_t>(row.state));
  write_.bind(6, static_cast<std::int64_t>(row.start)).bind(7, as_int(row.first));
  write_.bind(8, as_int(row.next)).bind(9, std::string_view(previous));
  write_.bind(10, as_int(row.previous_last)).bind(11, as_int(row.wake_at));
  write_.bind(12, as_int(row.held)).bind(13, as_int(row.held_gaps)).bind(14, as_int(row.absent));
  write_.bind(15, row.since_ns).bind(16, as_int(row.since_hub_seq));
  if (row.not_stored) {
    write_.bind(17, std::string_view(row.not_stored->hub_stream));
    write_.bind(18, as_int(row.not_stored->hub_seq)).bind(19, as_int(row.not_stored->seq));
  } else {
    write_.bind_null(17).bind_null(18).bind_null(19);
  }
  write_.bind(20, row.order).bind(21, std::int64_t{row.aside});
  return write_.run();
}

GateRow* SqliteGateStore::keep(std::unique_ptr<Cached> row) {
  Cached* pointer = row.get();
  rows_.insert_or_assign(Key{row->gateway, row->epoch, row->lane}, std::move(row));
  return pointer;
}

GateRow* SqliteGateStore::read_row(Statement& row) {
  const RowRef ref{row.text(1), epoch_of(row.text(3)), static_cast<core::Lane>(row.integer(2))};
  const auto known = rows_.find(ref);
  if (known != rows_.end()) return known->second.get();
  auto out = std::make_unique<Cached>();
  out->id = row.integer(0);
  out->gateway = ref.gateway;
  out->lane = ref.lane;
  out->epoch = ref.epoch;
  out->state = static_cast<RowState>(row.integer(4));
  out->start = static_cast<RowStart>(row.integer(5));
  out->first = as_uint(row.integer(6));
  out->next = as_uint(row.integer(7));
  out->previous = epoch_of(row.text(8));
  out->previous_last = as_uint(row.integer(9));
  out->wake_at = as_uint(row.integer(10));
  out->held = as_uint(row.integer(11));
  out->held_gaps = as_uint(row.integer(12));
  out->absent = as_uint(row.integer(13));
  out->since_ns = row.integer(14);
  out->since_hub_seq = as_uint(row.integer(15));
  if (!row.is_null(16))
    out->not_stored =
        NotStored{std::string(row.text(16)), as_uint(row.integer(17)), as_uint(row.integer(18))};
  out->order = row.integer(19);
  out->aside = row.integer(20) != 0;
  return keep(std::move(out));
}

Result<GateRow*> SqliteGateStore::find(const RowRef& ref) {
  if (last_ != nullptr && Equal{}(ref, *last_)) return last_;
  const auto known = rows_.find(ref);
  if (known != rows_.end()) return last_ = known->second.get();
  const std::string epoch = ref.epoch.text();
  const Statement::Resetting guard{find_};
  find_.bind(1, ref.gateway).bind(2, lane_number(ref.lane)).bind(3, std::string_view(epoch));
  const auto row = find_.step();
  if (!row) return row.error();
  return *row ? read_row(find_) : nullptr;
}

Result<GateRow*> SqliteGateStore::create(const RowRef& ref) {
  auto row = std::make_unique<Cached>();
  row->id = next_id_++;
  row->gateway = ref.gateway;
  row->epoch = ref.epoch;
  row->lane = ref.lane;
  GateRow* out = keep(std::move(row));
  SLUICE_TRY(changed(*out));
  return out;
}

Result<void> SqliteGateStore::changed(GateRow& row) {
  auto& cached = static_cast<Cached&>(row);  // every GateRow that left this store is one
  if (!cached.dirty) dirty_.push_back(&cached);
  cached.dirty = true;
  return {};
}

Result<std::vector<GateRow*>> SqliteGateStore::read_rows(Statement& statement) {
  const Statement::Resetting guard{statement};
  std::vector<GateRow*> out;
  for (;;) {
    const auto row = statement.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back(read_row(statement));
  }
}

Result<std::vector<GateRow*>> SqliteGateStore::lane_rows(std::string_view gateway,
                                                         core::Lane lane) {
  SLUICE_TRY(flush());
  lane_rows_.bind(1, gateway).bind(2, lane_number(lane));
  return read_rows(lane_rows_);
}

Result<std::vector<GateRow*>> SqliteGateStore::waiting_on(std::string_view gateway, core::Lane lane,
                                                          core::Epoch previous) {
  SLUICE_TRY(flush());
  const std::string epoch = previous.text();
  waiting_.bind(1, gateway).bind(2, lane_number(lane)).bind(3, std::string_view(epoch));
  return read_rows(waiting_);
}

Result<SqliteGateStore::Orders*> SqliteGateStore::orders_of(std::string_view gateway) {
  if (orders_last_.second != nullptr && orders_last_.first == gateway) return orders_last_.second;
  auto known = orders_.find(gateway);
  if (known == orders_.end()) {
    SLUICE_TRY(flush());
    const Statement::Resetting guard{orders_query_};
    const auto row = orders_query_.bind(1, gateway).step();
    if (!row) return row.error();
    Orders orders;
    if (*row && !orders_query_.is_null(0)) {
      orders.oldest = orders_query_.integer(0);
      orders.newest = orders_query_.integer(1);
    }
    known = orders_.emplace(gateway, orders).first;
  }
  orders_last_ = {known->first, &known->second};
  return &known->second;
}

Result<std::optional<std::int64_t>> SqliteGateStore::newest_order(std::string_view gateway) {
  const auto orders = orders_of(gateway);
  if (!orders) return orders.error();
  return (*orders)->newest;
}

Result<std::optional<std::int64_t>> SqliteGateStore::oldest_order(std::string_view gateway) {
  const auto orders = orders_of(gateway);
  if (!orders) return orders.error();
  return (*orders)->oldest;
}

Result<std::optional<std::int64_t>> SqliteGateStore::order_after(std::string_view gateway,
                                                                 core::Lane lane,
                                                                 core::Epoch epoch) {
  SLUICE_TRY(flush());
  const std::string text = epoch.text();
  const Statement::Resetting guard{order_after_};
  order_after_.bind(1, gateway).bind(2, lane_number(lane)).bind(3, std::string_view(text));
  const auto row = order_after_.step();
  if (!row) return row.error();
  std::optional<std::int64_t> lowest;
  if (*row && !order_after_.is_null(0)) lowest = order_after_.integer(0);
  return lowest;
}

Result<void> SqliteGateStore::order_changed(GateRow& row) {
  const auto orders = orders_of(row.gateway);
  if (!orders) return orders.error();
  (*orders)->oldest = std::min((*orders)->oldest.value_or(row.order), row.order);
  (*orders)->newest = std::max((*orders)->newest.value_or(row.order), row.order);
  return changed(row);
}

Result<std::vector<GateRow*>> SqliteGateStore::unfinished(std::size_t limit) {
  SLUICE_TRY(flush());
  unfinished_.bind(1, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
  return read_rows(unfinished_);
}

Result<bool> SqliteGateStore::has_held(const GateRow& row, Seq seq, bool gap) {
  if (row.held == 0) return false;
  const Statement::Resetting guard{has_held_};
  return has_held_.bind(1, row.id).bind(2, as_int(seq)).bind(3, std::int64_t{gap}).step();
}

Result<void> SqliteGateStore::hold(const GateRow& row, const HeldItem& item) {
  auto use = use_of(row.gateway, row.lane);
  if (!use) return use.error();
  hold_.bind(1, row.id).bind(2, as_int(item.seq)).bind(3, std::int64_t{item.is_gap()});
  hold_.bind(4, as_int(item.is_gap() ? item.to : item.seq)).bind(5, as_int(item.hub_seq));
  hold_.bind(6, item.seen_ns).bind_blob(7, std::string_view(item.body));
  hold_.bind(8, item.clock_ns);
  SLUICE_TRY(hold_.run());
  ++(*use)->items;
  (*use)->bytes += item.body.size();
  return {};
}

Result<std::optional<HeldItem>> SqliteGateStore::first_event(const GateRow& row, Seq from) {
  first_event_.bind(1, row.id).bind(2, as_int(from));
  return one_item(first_event_);
}

Result<std::optional<HeldItem>> SqliteGateStore::gap_over(const GateRow& row, Seq next) {
  gap_over_.bind(1, row.id).bind(2, as_int(next));
  return one_item(gap_over_);
}

Result<std::vector<HeldItem>> SqliteGateStore::held_from(const GateRow& row, Seq from,
                                                         std::size_t limit) {
  const Statement::Resetting guard{held_from_};
  held_from_.bind(1, row.id).bind(2, as_int(from)).bind(3, static_cast<std::int64_t>(limit));
  std::vector<HeldItem> out;
  for (;;) {
    const auto item = held_from_.step();
    if (!item) return item.error();
    if (!*item) return out;
    out.push_back(read_item(held_from_, false));
  }
}

Result<GateStore::Dropped> SqliteGateStore::drop_below(const GateRow& row, Seq next) {
  Dropped dropped;
  auto use = use_of(row.gateway, row.lane);
  if (!use) return use.error();
  {
    const Statement::Resetting guard{count_below_};
    const auto counted = count_below_.bind(1, row.id).bind(2, as_int(next)).step();
    if (!counted) return counted.error();
    dropped.items = as_uint(count_below_.integer(0));
    dropped.gaps = as_uint(count_below_.integer(1));
    (*use)->items -= dropped.items;
    (*use)->bytes -= as_uint(count_below_.integer(2));
  }
  if (dropped.items != 0) SLUICE_TRY(drop_below_.bind(1, row.id).bind(2, as_int(next)).run());
  return dropped;
}

Result<void> SqliteGateStore::drop_gap(const GateRow& row, Seq seq) {
  auto use = use_of(row.gateway, row.lane);
  if (!use) return use.error();
  const Statement::Resetting guard{drop_gap_};
  const auto dropped = drop_gap_.bind(1, row.id).bind(2, as_int(seq)).step();
  if (!dropped) return dropped.error();
  if (*dropped) {
    --(*use)->items;
    (*use)->bytes -= as_uint(drop_gap_.integer(0));
    while (*drop_gap_.step()) {
    }
  }
  return {};
}

Result<GateStore::LaneUse*> SqliteGateStore::use_of(std::string_view gateway, core::Lane lane) {
  const auto known = use_.find({std::string(gateway), lane});
  if (known != use_.end()) return &known->second;
  SLUICE_TRY(flush());
  const Statement::Resetting guard{lane_use_};
  const auto row = lane_use_.bind(1, gateway).bind(2, lane_number(lane)).step();
  if (!row) return row.error();
  LaneUse use{as_uint(lane_use_.integer(0)), as_uint(lane_use_.integer(1))};
  return &use_.insert_or_assign({std::string(gateway), lane}, use).first->second;
}

Result<GateStore::LaneUse> SqliteGateStore::lane_use(std::string_view gateway, core::Lane lane) {
  const auto use = use_of(gateway, lane);
  if (!use) return use.error();
  return **use;
}

Result<void> SqliteGateStore::add_absent(const GateRow& row, Seq from, Seq to,
                                         std::string_view reason) {
  add_absent_.bind(1, row.id).bind(2, as_int(from)).bind(3, as_int(to)).bind(4, reason);
  return add_absent_.run();
}

Result<bool> SqliteGateStore::is_absent(const GateRow& row, Seq seq) {
  const Statement::Resetting guard{is_absent_};
  const auto found = is_absent_.bind(1, row.id).bind(2, as_int(seq)).step();
  if (!found) return found.error();
  return *found && is_absent_.integer(0) != 0;
}

}  // namespace sluice::projection
