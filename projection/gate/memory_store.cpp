// SPDX-License-Identifier: Apache-2.0
#include "projection/gate/memory_store.hpp"

#include <algorithm>

namespace sluice::projection {

using core::Result;

MemoryGateStore& MemoryGateStore::operator=(const MemoryGateStore& other) = default;

Result<GateRow*> MemoryGateStore::find(const RowRef& ref) {
  const auto at = by_key_.find(
      Key(std::string(ref.gateway), ref.epoch.value, static_cast<std::uint8_t>(ref.lane)));
  return at == by_key_.end() ? nullptr : &rows_[at->second];
}

Result<GateRow*> MemoryGateStore::create(const RowRef& ref) {
  GateRow row;
  row.id = static_cast<std::int64_t>(rows_.size()) + 1;
  row.gateway = ref.gateway;
  row.epoch = ref.epoch;
  row.lane = ref.lane;
  by_key_[Key(row.gateway, row.epoch.value, static_cast<std::uint8_t>(row.lane))] = rows_.size();
  rows_.push_back(std::move(row));
  return &rows_.back();
}

Result<std::vector<GateRow*>> MemoryGateStore::lane_rows(std::string_view gateway,
                                                         core::Lane lane) {
  std::vector<GateRow*> out;
  for (GateRow& row : rows_)
    if (row.gateway == gateway && row.lane == lane) out.push_back(&row);
  return out;
}

Result<std::vector<GateRow*>> MemoryGateStore::waiting_on(std::string_view gateway, core::Lane lane,
                                                          core::Epoch previous) {
  std::vector<GateRow*> out;
  for (GateRow& row : rows_)
    if (row.state == RowState::kWaiting && row.previous == previous && row.lane == lane &&
        row.gateway == gateway)
      out.push_back(&row);
  return out;
}

Result<std::optional<std::int64_t>> MemoryGateStore::newest_order(std::string_view gateway) {
  std::optional<std::int64_t> newest;
  for (const GateRow& row : rows_)
    if (row.gateway == gateway && row.state == RowState::kOpen)
      newest = std::max(newest.value_or(row.order), row.order);
  return newest;
}

Result<std::optional<std::int64_t>> MemoryGateStore::oldest_order(std::string_view gateway) {
  std::optional<std::int64_t> oldest;
  for (const GateRow& row : rows_)
    if (row.gateway == gateway && row.state == RowState::kOpen)
      oldest = std::min(oldest.value_or(row.order), row.order);
  return oldest;
}

Result<std::optional<std::int64_t>> MemoryGateStore::order_after(std::string_view gateway,
                                                                 core::Lane lane,
                                                                 core::Epoch epoch) {
  std::optional<std::int64_t> lowest;
  for (const GateRow& row : rows_)
    if (row.gateway == gateway && row.lane == lane && row.previous == epoch &&
        row.state == RowState::kOpen)
      lowest = std::min(lowest.value_or(row.order), row.order);
  return lowest;
}

Result<std::vector<GateRow*>> MemoryGateStore::unfinished(std::size_t limit) {
  std::vector<GateRow*> out;
  for (GateRow& row : rows_)
    if (out.size() < limit && (row.state != RowState::kOpen || row.held != 0 || row.not_stored))
      out.push_back(&row);
  return out;
}

Result<bool> MemoryGateStore::has_held(const GateRow& row, core::Seq seq, bool gap) {
  return held_[row.id].contains({seq, gap});
}

Result<void> MemoryGateStore::hold(const GateRow& row, const HeldItem& item) {
  held_[row.id][{item.seq, item.is_gap()}] = item;
  return {};
}

Result<std::optional<HeldItem>> MemoryGateStore::first_event(const GateRow& row, core::Seq from) {
  const Held& held = held_[row.id];
  for (auto at = held.lower_bound({from, false}); at != held.end(); ++at)
    if (!at->second.is_gap()) return std::optional(at->second);
  return std::optional<HeldItem>();
}

Result<std::optional<HeldItem>> MemoryGateStore::gap_over(const GateRow& row, core::Seq next) {
  for (const auto& [key, item] : held_[row.id])
    if (item.is_gap() && item.seq <= next && next <= item.to) return std::optional(item);
  return std::optional<HeldItem>();
}

Result<std::vector<HeldItem>> MemoryGateStore::held_from(const GateRow& row, core::Seq from,
                                                         std::size_t limit) {
  std::vector<HeldItem> out;
  const Held& held = held_[row.id];
  for (auto at = held.lower_bound({from, false}); at != held.end() && out.size() < limit; ++at)
    out.push_back({at->second.seq, at->second.to, at->second.hub_seq, at->second.seen_ns,
                   std::string(), at->second.clock_ns});
  return out;
}

Result<GateStore::Dropped> MemoryGateStore::drop_below(const GateRow& row, core::Seq next) {
  Dropped dropped;
  Held& held = held_[row.id];
  for (auto at = held.begin(); at != held.end() && at->first.first < next;) {
    const HeldItem& item = at->second;
    if ((item.is_gap() ? item.to : item.seq) >= next) {
      ++at;
      continue;
    }
    ++dropped.items;
    if (item.is_gap()) ++dropped.gaps;
    at = held.erase(at);
  }
  return dropped;
}

Result<void> MemoryGateStore::drop_gap(const GateRow& row, core::Seq seq) {
  held_[row.id].erase({seq, true});
  return {};
}

Result<GateStore::LaneUse> MemoryGateStore::lane_use(std::string_view gateway, core::Lane lane) {
  LaneUse use;
  for (const GateRow& row : rows_) {
    if (row.lane != lane || row.gateway != gateway) continue;
    for (const auto& [key, item] : held_[row.id]) {
      ++use.items;
      use.bytes += item.body.size();
    }
  }
  return use;
}

Result<void> MemoryGateStore::add_absent(const GateRow& row, core::Seq from, core::Seq to,
                                         std::string_view) {
  absent_[row.id][from] = to;
  return {};
}

Result<bool> MemoryGateStore::is_absent(const GateRow& row, core::Seq seq) {
  const auto& ranges = absent_[row.id];
  auto at = ranges.upper_bound(seq);
  return at != ranges.begin() && std::prev(at)->second >= seq;
}

}  // namespace sluice::projection
