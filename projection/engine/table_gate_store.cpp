// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/table_gate_store.hpp"

#include <algorithm>

#include "projection/engine/gate_shape.hpp"

namespace sluice::projection {
namespace {

using core::Result;
using core::Seq;

constexpr std::size_t kCachedRowsMax = 50'000;

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

HeldItem read_item(const Statement& row, bool with_body) {
  HeldItem item;
  item.seq = as_uint(row.integer(0));
  item.to = row.integer(1) != 0 ? as_uint(row.integer(2)) : 0;
  item.hub_seq = as_uint(row.integer(3));
  item.seen_ns = row.integer(4);
  if (!with_body) return item;
  item.body = row.text(5);
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

Result<std::unique_ptr<TableGateStore>> TableGateStore::open(Target& target) {
  std::unique_ptr<TableGateStore> store(new TableGateStore(target));
  SLUICE_TRY(store->prepare());
  return store;
}

Result<void> TableGateStore::prepare() {
  auto store = target_.rows(gate_shape());
  if (!store) return store.error();
  store_ = std::move(*store);
  const std::string select = "SELECT " + gate_columns();
  return prepare_all(
      target_,
      {
          {&create_,
           "INSERT INTO _sluice_gate (gateway, lane, epoch, state, start, first, next, previous,"
           " previous_last, wake_at, held, held_gaps, absent, since_ns, since_hub_seq)"
           " VALUES (?1, ?2, ?3, 0, 0, 0, 0, '', 0, 0, 0, 0, 0, 0, 0) RETURNING id"},
          {&go_on_, by_one() ? "UPDATE _sluice_gate SET next = ?2 WHERE id = ?1"
                             : "UPDATE _sluice_gate SET next = went_on.next FROM"
                               " unnest(?1::text::bigint[], ?2::text::bigint[])"
                               " AS went_on (id, next) WHERE _sluice_gate.id = went_on.id"},
          {&lane_rows_, select + " FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 ORDER BY id"},
          {&waiting_, select +
                          " FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2 AND previous = ?3"
                          " AND state = 1 ORDER BY id"},
          {&unfinished_,
           select + " FROM _sluice_gate WHERE state <> 2 OR held <> 0 OR unstored_hub IS NOT NULL"
                    " ORDER BY id LIMIT ?1"},
          {&has_held_, R"(SELECT 1 FROM _sluice_held WHERE "row" = ?1 AND seq = ?2 AND gap = ?3)"},
          {&hold_,
           R"(INSERT INTO _sluice_held ("row", seq, gap, last, hub_seq, seen_ns, body,
            clock_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))"},
          {&first_event_,
           R"(SELECT seq, gap, last, hub_seq, seen_ns, body, clock_ns FROM _sluice_held WHERE
            "row" = ?1 AND seq >= ?2 AND gap = 0 ORDER BY seq LIMIT 1)"},
          {&gap_over_,
           R"(SELECT seq, gap, last, hub_seq, seen_ns, body, clock_ns FROM _sluice_held WHERE
            "row" = ?1 AND seq <= ?2 AND last >= ?2 AND gap = 1 ORDER BY seq LIMIT 1)"},
          {&held_from_,
           R"(SELECT seq, gap, last, hub_seq, seen_ns FROM _sluice_held WHERE "row" = ?1 AND
            seq >= ?2 ORDER BY seq, gap LIMIT ?3)"},
          {&count_below_,
           R"(SELECT count(*), CAST(coalesce(sum(gap), 0) AS BIGINT),
            CAST(coalesce(sum(length(body)), 0) AS BIGINT) FROM _sluice_held WHERE "row" =
            ?1 AND seq < ?2 AND last < ?2)"},
          {&drop_below_, R"(DELETE FROM _sluice_held WHERE "row" = ?1 AND seq < ?2 AND last < ?2)"},
          {&drop_gap_,
           R"(DELETE FROM _sluice_held WHERE "row" = ?1 AND seq = ?2 AND gap = 1 RETURNING
            length(body))"},
          {&lane_use_,
           R"(SELECT count(*), CAST(coalesce(sum(length(h.body)), 0) AS BIGINT) FROM
            _sluice_gate g JOIN _sluice_held h ON h."row" = g.id WHERE g.gateway = ?1 AND
            g.lane = ?2 AND g.held <> 0)"},
          {&add_absent_,
           R"(INSERT INTO _sluice_absent ("row", first, last, reason) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT ("row", first) DO UPDATE SET last = excluded.last, reason =
            excluded.reason)"},
          {&is_absent_,
           R"(SELECT last >= ?2 FROM _sluice_absent WHERE "row" = ?1 AND first <= ?2 ORDER BY
            first DESC LIMIT 1)"},
          {&add_run_, R"(INSERT INTO _sluice_run ("row", first, late) VALUES (?1, ?2, ?3))"},
          {&orders_query_,
           "SELECT min(epoch_order), max(epoch_order) FROM _sluice_gate WHERE gateway = ?1"
           " AND state = 2"},
          {&order_after_,
           "SELECT min(epoch_order) FROM _sluice_gate WHERE gateway = ?1 AND lane = ?2"
           " AND previous = ?3 AND state = 2"},
      });
}

void TableGateStore::forget() {
  dirty_.clear();
  rows_.clear();
  use_.clear();
  orders_.clear();
  orders_last_ = {};
  last_ = nullptr;
}

void TableGateStore::trim_cache() {
  if (rows_.size() > kCachedRowsMax) forget();
}

Result<void> TableGateStore::flush() {
  if (dirty_.empty()) return {};
  std::vector<Cached*> went_on;
  std::vector<std::vector<Cell>> rows;
  std::vector<const Cell*> cells;
  for (Cached* row : dirty_) {
    row->dirty = false;
    if (only_went_on(*row)) {
      went_on.push_back(row);
      continue;
    }
    cells.push_back(rows.emplace_back(gate_cells(*row)).data());
    row->stored = static_cast<const GateRow&>(*row);
  }
  dirty_.clear();
  SLUICE_TRY(go_on(went_on));
  return cells.empty() ? Result<void>() : store_->store(cells);
}

// Most rows only went on, and to name all columns costs more: SQLite writes every index anew whose
// columns a statement names, and PostgreSQL is sent and compares them all.
Result<void> TableGateStore::go_on(std::span<Cached* const> rows) {
  if (rows.empty()) return {};
  if (by_one()) {
    for (const Cached* row : rows)
      SLUICE_TRY(go_on_->bind(1, row->id).bind(2, as_int(row->next)).post());
    return {};
  }
  std::string ids;
  std::string nexts;
  for (const Cached* row : rows) {
    ids += (ids.empty() ? "{" : ",") + std::to_string(row->id);
    nexts += (nexts.empty() ? "{" : ",") + std::to_string(row->next);
  }
  ids += '}';
  nexts += '}';
  return go_on_->bind(1, std::string_view(ids)).bind(2, std::string_view(nexts)).post();
}

// Nothing but `next` is another than in the database; `stored` then has it already.
bool TableGateStore::only_went_on(Cached& row) {
  if (!row.stored) return false;
  row.stored->next = row.next;
  return *row.stored == static_cast<const GateRow&>(row);
}

GateRow* TableGateStore::keep(std::unique_ptr<Cached> row) {
  Cached* pointer = row.get();
  rows_.insert_or_assign(Key{row->gateway, row->epoch, row->lane}, std::move(row));
  return pointer;
}

GateRow* TableGateStore::read_row(std::span<const Cell> cells) {
  auto row = std::make_unique<Cached>();
  static_cast<GateRow&>(*row) = gate_row(cells);
  row->stored = static_cast<const GateRow&>(*row);
  const auto known = rows_.find(row->ref());
  return known != rows_.end() ? known->second.get() : keep(std::move(row));
}

Result<void> TableGateStore::prefetch(std::span<const RowRef> refs) {
  std::vector<std::vector<Cell>> rows;
  for (const RowRef& ref : refs)
    if (!rows_.contains(ref)) rows.push_back(gate_key(ref));
  if (rows.empty()) return {};
  std::vector<Cell*> cells;
  for (auto& row : rows) cells.push_back(row.data());
  std::vector<bool> found;
  SLUICE_TRY(store_->load(cells, found));
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (found[i]) read_row(rows[i]);
  return {};
}

Result<GateRow*> TableGateStore::find(const RowRef& ref) {
  if (last_ != nullptr && Equal{}(ref, *last_)) return last_;
  auto known = rows_.find(ref);
  if (known == rows_.end()) {
    SLUICE_TRY(prefetch({&ref, 1}));
    known = rows_.find(ref);
    if (known == rows_.end()) return nullptr;
  }
  return last_ = known->second.get();
}

Result<GateRow*> TableGateStore::create(const RowRef& ref) {
  const std::string epoch = ref.epoch.text();
  const Statement::Resetting guard{*create_};
  create_->bind(1, ref.gateway).bind(2, lane_number(ref.lane)).bind(3, std::string_view(epoch));
  const auto made = create_->step();
  if (!made) return made.error();
  auto row = std::make_unique<Cached>();
  row->id = create_->integer(0);
  row->gateway = ref.gateway;
  row->epoch = ref.epoch;
  row->lane = ref.lane;
  for (bool more = true; more;) {
    const auto next = create_->step();
    if (!next) return next.error();
    more = *next;
  }
  return keep(std::move(row));
}

Result<void> TableGateStore::changed(GateRow& row) {
  auto& cached = static_cast<Cached&>(row);  // every GateRow that left this store is one
  if (!cached.dirty) dirty_.push_back(&cached);
  cached.dirty = true;
  return {};
}

Result<std::vector<GateRow*>> TableGateStore::read_rows(Statement& statement) {
  std::vector<GateRow*> out;
  std::vector<Cell> cells;
  SLUICE_TRY(each_row(statement, [&](const Statement& row) -> Result<void> {
    cells.clear();
    for (int i = 0; i < row.columns(); ++i) cells.push_back(cell_of(row.value(i)));
    out.push_back(read_row(cells));
    return {};
  }));
  return out;
}

Result<std::vector<GateRow*>> TableGateStore::lane_rows(std::string_view gateway, core::Lane lane) {
  SLUICE_TRY(flush());
  lane_rows_->bind(1, gateway).bind(2, lane_number(lane));
  return read_rows(*lane_rows_);
}

Result<std::vector<GateRow*>> TableGateStore::waiting_on(std::string_view gateway, core::Lane lane,
                                                         core::Epoch previous) {
  SLUICE_TRY(flush());
  const std::string epoch = previous.text();
  waiting_->bind(1, gateway).bind(2, lane_number(lane)).bind(3, std::string_view(epoch));
  return read_rows(*waiting_);
}

Result<TableGateStore::Orders*> TableGateStore::orders_of(std::string_view gateway) {
  if (orders_last_.second != nullptr && orders_last_.first == gateway) return orders_last_.second;
  auto known = orders_.find(gateway);
  if (known == orders_.end()) {
    SLUICE_TRY(flush());
    const Statement::Resetting guard{*orders_query_};
    const auto row = orders_query_->bind(1, gateway).step();
    if (!row) return row.error();
    Orders orders;
    if (*row && !orders_query_->is_null(0)) {
      orders.oldest = orders_query_->integer(0);
      orders.newest = orders_query_->integer(1);
    }
    known = orders_.emplace(gateway, orders).first;
  }
  orders_last_ = {known->first, &known->second};
  return &known->second;
}

Result<std::optional<std::int64_t>> TableGateStore::newest_order(std::string_view gateway) {
  const auto orders = orders_of(gateway);
  if (!orders) return orders.error();
  return (*orders)->newest;
}

Result<std::optional<std::int64_t>> TableGateStore::oldest_order(std::string_view gateway) {
  const auto orders = orders_of(gateway);
  if (!orders) return orders.error();
  return (*orders)->oldest;
}

Result<std::optional<std::int64_t>> TableGateStore::order_after(std::string_view gateway,
                                                                core::Lane lane,
                                                                core::Epoch epoch) {
  SLUICE_TRY(flush());
  const std::string text = epoch.text();
  const Statement::Resetting guard{*order_after_};
  order_after_->bind(1, gateway).bind(2, lane_number(lane)).bind(3, std::string_view(text));
  const auto row = order_after_->step();
  if (!row) return row.error();
  std::optional<std::int64_t> lowest;
  if (*row && !order_after_->is_null(0)) lowest = order_after_->integer(0);
  return lowest;
}

Result<void> TableGateStore::order_changed(GateRow& row) {
  const auto orders = orders_of(row.gateway);
  if (!orders) return orders.error();
  (*orders)->oldest = std::min((*orders)->oldest.value_or(row.order), row.order);
  (*orders)->newest = std::max((*orders)->newest.value_or(row.order), row.order);
  return changed(row);
}

Result<std::vector<GateRow*>> TableGateStore::unfinished(std::size_t limit) {
  SLUICE_TRY(flush());
  unfinished_->bind(1, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
  return read_rows(*unfinished_);
}

Result<bool> TableGateStore::has_held(const GateRow& row, Seq seq, bool gap) {
  if (row.held == 0) return false;
  const Statement::Resetting guard{*has_held_};
  return has_held_->bind(1, row.id).bind(2, as_int(seq)).bind(3, std::int64_t{gap}).step();
}

Result<void> TableGateStore::hold(const GateRow& row, const HeldItem& item) {
  auto use = use_of(row.gateway, row.lane);
  if (!use) return use.error();
  hold_->bind(1, row.id).bind(2, as_int(item.seq)).bind(3, std::int64_t{item.is_gap()});
  hold_->bind(4, as_int(item.is_gap() ? item.to : item.seq)).bind(5, as_int(item.hub_seq));
  hold_->bind(6, item.seen_ns).bind_blob(7, std::string_view(item.body));
  hold_->bind(8, item.clock_ns);
  SLUICE_TRY(hold_->post());
  ++(*use)->items;
  (*use)->bytes += item.body.size();
  return {};
}

Result<std::optional<HeldItem>> TableGateStore::first_event(const GateRow& row, Seq from) {
  first_event_->bind(1, row.id).bind(2, as_int(from));
  return one_item(*first_event_);
}

Result<std::optional<HeldItem>> TableGateStore::gap_over(const GateRow& row, Seq next) {
  gap_over_->bind(1, row.id).bind(2, as_int(next));
  return one_item(*gap_over_);
}

Result<std::vector<HeldItem>> TableGateStore::held_from(const GateRow& row, Seq from,
                                                        std::size_t limit) {
  const Statement::Resetting guard{*held_from_};
  held_from_->bind(1, row.id).bind(2, as_int(from)).bind(3, static_cast<std::int64_t>(limit));
  std::vector<HeldItem> out;
  for (;;) {
    const auto item = held_from_->step();
    if (!item) return item.error();
    if (!*item) return out;
    out.push_back(read_item(*held_from_, false));
  }
}

Result<GateStore::Dropped> TableGateStore::drop_below(const GateRow& row, Seq next) {
  Dropped dropped;
  auto use = use_of(row.gateway, row.lane);
  if (!use) return use.error();
  {
    const Statement::Resetting guard{*count_below_};
    const auto counted = count_below_->bind(1, row.id).bind(2, as_int(next)).step();
    if (!counted) return counted.error();
    dropped.items = as_uint(count_below_->integer(0));
    dropped.gaps = as_uint(count_below_->integer(1));
    (*use)->items -= dropped.items;
    (*use)->bytes -= as_uint(count_below_->integer(2));
  }
  if (dropped.items != 0) SLUICE_TRY(drop_below_->bind(1, row.id).bind(2, as_int(next)).post());
  return dropped;
}

Result<void> TableGateStore::drop_gap(const GateRow& row, Seq seq) {
  auto use = use_of(row.gateway, row.lane);
  if (!use) return use.error();
  const Statement::Resetting guard{*drop_gap_};
  const auto dropped = drop_gap_->bind(1, row.id).bind(2, as_int(seq)).step();
  if (!dropped) return dropped.error();
  if (*dropped) {
    --(*use)->items;
    (*use)->bytes -= as_uint(drop_gap_->integer(0));
    while (*drop_gap_->step()) {
    }
  }
  return {};
}

Result<GateStore::LaneUse*> TableGateStore::use_of(std::string_view gateway, core::Lane lane) {
  const auto known = use_.find({std::string(gateway), lane});
  if (known != use_.end()) return &known->second;
  SLUICE_TRY(flush());
  const Statement::Resetting guard{*lane_use_};
  const auto row = lane_use_->bind(1, gateway).bind(2, lane_number(lane)).step();
  if (!row) return row.error();
  LaneUse use{as_uint(lane_use_->integer(0)), as_uint(lane_use_->integer(1))};
  return &use_.insert_or_assign({std::string(gateway), lane}, use).first->second;
}

Result<GateStore::LaneUse> TableGateStore::lane_use(std::string_view gateway, core::Lane lane) {
  const auto use = use_of(gateway, lane);
  if (!use) return use.error();
  return **use;
}

Result<void> TableGateStore::add_absent(const GateRow& row, Seq from, Seq to,
                                        std::string_view reason) {
  add_absent_->bind(1, row.id).bind(2, as_int(from)).bind(3, as_int(to)).bind(4, reason);
  return add_absent_->post();
}

Result<bool> TableGateStore::is_absent(const GateRow& row, Seq seq) {
  const Statement::Resetting guard{*is_absent_};
  const auto found = is_absent_->bind(1, row.id).bind(2, as_int(seq)).step();
  if (!found) return found.error();
  return *found && is_absent_->integer(0) != 0;
}

Result<void> TableGateStore::add_run(const GateRow& row, Seq first, bool is_late) {
  return add_run_->bind(1, row.id).bind(2, as_int(first)).bind(3, std::int64_t{is_late}).post();
}

}  // namespace sluice::projection
