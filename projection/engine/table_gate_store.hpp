// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "projection/database/target.hpp"
#include "projection/gate/store.hpp"

namespace sluice::projection {

// The gate's state in the tables _sluice_gate, _sluice_held, _sluice_absent and _sluice_run. Rows
// that were touched stay in memory; changed ones are written by flush(), which the owner calls
// before its commit. After a rollback the owner calls forget().
class TableGateStore final : public GateStore {
 public:
  static core::Result<std::unique_ptr<TableGateStore>> open(Target& target);

  core::Result<void> flush();
  void forget();
  void trim_cache();  // between batches: bounds the memory
  // Reads the rows of these together, so that find() has them.
  core::Result<void> prefetch(std::span<const RowRef> refs);

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
  core::Result<void> add_run(const GateRow& row, core::Seq first, bool is_late) override;

 private:
  struct Cached : GateRow {
    bool dirty = false;
    std::optional<GateRow> stored;  // as the database has it, if that is known
  };
  static bool only_went_on(Cached& row);
  core::Result<void> go_on(std::span<Cached* const> rows);
  bool by_one() const { return target_.dialect() == Dialect::kSqlite; }  // no round trips to save
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

  explicit TableGateStore(Target& target) : target_(target) {}
  core::Result<void> prepare();
  GateRow* keep(std::unique_ptr<Cached> row);
  GateRow* read_row(std::span<const Cell> cells);
  core::Result<std::vector<GateRow*>> read_rows(Statement& statement);
  core::Result<LaneUse*> use_of(std::string_view gateway, core::Lane lane);

  Target& target_;
  boost::unordered_flat_map<Key, std::unique_ptr<Cached>, Hash, Equal> rows_;
  std::vector<Cached*> dirty_;
  Cached* last_ = nullptr;  // the row that the event before was of
  std::map<std::pair<std::string, core::Lane>, LaneUse> use_;
  struct Orders {
    std::optional<std::int64_t> oldest, newest;
  };
  struct Name {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  core::Result<Orders*> orders_of(std::string_view gateway);
  std::unordered_map<std::string, Orders, Name, std::equal_to<>> orders_;
  std::pair<std::string, Orders*> orders_last_;  // of the gateway that the event before was of

  std::unique_ptr<RowStore> store_;  // of _sluice_gate
  StatementPtr go_on_;
  StatementPtr create_;
  StatementPtr lane_rows_;
  StatementPtr waiting_;
  StatementPtr unfinished_;
  StatementPtr has_held_;
  StatementPtr hold_;
  StatementPtr first_event_;
  StatementPtr gap_over_;
  StatementPtr held_from_;
  StatementPtr count_below_;
  StatementPtr drop_below_;
  StatementPtr drop_gap_;
  StatementPtr lane_use_;
  StatementPtr add_absent_;
  StatementPtr is_absent_;
  StatementPtr add_run_;
  StatementPtr orders_query_;
  StatementPtr order_after_;
};

}  // namespace sluice::projection
