// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "projection/gate_store.hpp"
#include "sqlite/database.hpp"

namespace sluice::projection {

// The gate's state in the tables _sluice_gate, _sluice_held and _sluice_absent. Rows that were
// touched stay in memory; changed ones are written by flush(), which the owner calls before its
// commit. After a rollback the owner calls forget().
class SqliteGateStore final : public GateStore {
 public:
  static core::Result<std::unique_ptr<SqliteGateStore>> open(sqlite::Database& database);

  core::Result<void> flush();
  void forget();
  void trim_cache();  // between batches: bounds the memory

  core::Result<GateRow*> find(const RowRef& ref) override;
  core::Result<GateRow*> create(const RowRef& ref) override;
  core::Result<void> changed(GateRow& row) override;
  core::Result<std::vector<GateRow*>> lane_rows(std::string_view gateway, core::Lane lane) override;
  core::Result<std::vector<GateRow*>> waiting_on(std::string_view gateway, core::Lane lane,
                                                 core::Epoch previous) override;
  core::Result<std::optional<std::int64_t>> newest_order(std::string_view gateway) override;
  core::Result<std::optional<std::int64_t>> oldest_order(std::string_view gateway) override;
  core::Result<std::optional<std::int64_t>> order_after(std::string_view gateway, core::Lane lane,
                                                        core::Epoch epoch) override;
  core::Result<void> order_changed(GateRow& row) override;
  core::Result<std::vector<GateRow*>> unfinished(std::size_t limit) override;
  core::Result<bool> has_held(const GateRow& row, core::Seq seq, bool gap) override;
  core::Result<void> hold(const GateRow& row, const HeldItem& item) override;
  core::Result<std::optional<HeldItem>> first_event(const GateRow& row, core::Seq from) override;
  core::Result<std::optional<HeldItem>> gap_over(const GateRow& row, core::Seq next) override;
  core::Result<std::vector<HeldItem>> held_from(const GateRow& row, core::Seq from,
                                                std::size_t limit) override;
  core::Result<Dropped> drop_below(const GateRow& row, core::Seq next) override;
  core::Result<void> drop_gap(const GateRow& row, core::Seq seq) override;
  core::Result<LaneUse> lane_use(std::string_view gateway, core::Lane lane) override;
  core::Result<void> add_absent(const GateRow& row, core::Seq from, core::Seq to,
                                std::string_view reason) override;
  core::Result<bool> is_absent(const GateRow& row, core::Seq seq) override;

 private:
  struct Cached : GateRow {
    bool dirty = false;
  };
  struct Key {
    std::string gateway;
    core::Epoch epoch;
    core::Lane lane;
  };
  struct Hash {
    using is_transparent = void;
    template <class K>
    std::size_t operator()(const K& key) const noexcept {
      return std::hash<std::string_view>{}(key.gateway) ^
             (key.epoch.value * 0x9e3779b97f4a7c15u + static_cast<std::size_t>(key.lane));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return a.epoch == b.epoch && a.lane == b.lane &&
             std::string_view(a.gateway) == std::string_view(b.gateway);
    }
  };

  explicit SqliteGateStore(sqlite::Database& database) : database_(database) {}
  core::Result<void> prepare();
  GateRow* keep(std::unique_ptr<Cached> row);
  GateRow* read_row(sqlite::Statement& row);
  core::Result<std::vector<GateRow*>> read_rows(sqlite::Statement& statement);
  core::Result<void> write(const GateRow& row);
  core::Result<LaneUse*> use_of(std::string_view gateway, core::Lane lane);

  sqlite::Database& database_;
  boost::unordered_flat_map<Key, std::unique_ptr<Cached>, Hash, Equal> rows_;
  std::vector<Cached*> dirty_;
  Cached* last_ = nullptr;  // the row that the event before was of
  std::int64_t next_id_ = 0;
  std::map<std::pair<std::string, core::Lane>, LaneUse> use_;
  struct Orders {
    std::optional<std::int64_t> oldest, newest;
  };
  core::Result<Orders*> orders_of(std::string_view gateway);
  std::map<std::string, Orders, std::less<>> orders_;
  std::pair<std::string, Orders*> orders_last_;  // of the gateway that the event before was of

  sqlite::Statement find_;
  sqlite::Statement write_;
  sqlite::Statement lane_rows_;
  sqlite::Statement waiting_;
  sqlite::Statement unfinished_;
  sqlite::Statement has_held_;
  sqlite::Statement hold_;
  sqlite::Statement first_event_;
  sqlite::Statement gap_over_;
  sqlite::Statement held_from_;
  sqlite::Statement count_below_;
  sqlite::Statement drop_below_;
  sqlite::Statement drop_gap_;
  sqlite::Statement lane_use_;
  sqlite::Statement add_absent_;
  sqlite::Statement is_absent_;
  sqlite::Statement orders_query_;
  sqlite::Statement order_after_;
};

}  // namespace sluice::projection
