// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "projection/gate/store.hpp"

namespace sluice::projection {

// The gate's state in memory: for simulations and tests. Copyable: a copy is a snapshot, and
// assigning it back is what a rolled-back transaction does.
class MemoryGateStore final : public GateStore {
 public:
  MemoryGateStore() = default;
  MemoryGateStore(const MemoryGateStore& other) { *this = other; }
  MemoryGateStore& operator=(const MemoryGateStore& other);

  core::Result<GateRow*> find(const RowRef& ref) override;
  core::Result<GateRow*> create(const RowRef& ref) override;
  core::Result<void> changed(GateRow&) override { return {}; }
  core::Result<std::vector<GateRow*>> lane_rows(std::string_view gateway, core::Lane lane) override;
  core::Result<std::vector<GateRow*>> waiting_on(std::string_view gateway, core::Lane lane,
                                                 core::Epoch previous) override;
  core::Result<std::optional<std::int64_t>> newest_order(std::string_view gateway) override;
  core::Result<std::optional<std::int64_t>> oldest_order(std::string_view gateway) override;
  core::Result<std::optional<std::int64_t>> order_after(std::string_view gateway, core::Lane lane,
                                                        core::Epoch epoch) override;
  core::Result<void> order_changed(GateRow&) override { return {}; }
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
  core::Result<void> add_run(const GateRow&, core::Seq, bool) override { return {}; }

  const std::deque<GateRow>& rows() const { return rows_; }

 private:
  using Key = std::tuple<std::string, std::uint64_t, std::uint8_t>;
  using Held = std::map<std::pair<core::Seq, bool>, HeldItem>;  // (seq, is a gap record)

  std::deque<GateRow> rows_;  // a row's id is its place + 1
  std::map<Key, std::size_t> by_key_;
  std::map<std::int64_t, Held> held_;
  std::map<std::int64_t, std::map<core::Seq, core::Seq>> absent_;  // from -> to
};

}  // namespace sluice::projection
