// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/skips.hpp"

#include <algorithm>

namespace sluice::projection {

using core::Result;

namespace {

constexpr std::string_view kSelect =
    "SELECT gateway, epoch, lane, first, last, reason, at_ns, done FROM _sluice_skipped";

Result<SkippedHole> hole_in(const Statement& row) {
  const auto epoch = core::Epoch::parse(row.text(1));
  if (!epoch) return epoch.error();
  SkippedHole out;
  out.gateway = row.text(0);
  out.epoch = *epoch;
  out.lane = static_cast<core::Lane>(row.integer(2));
  out.range = {static_cast<core::Seq>(row.integer(3)), static_cast<core::Seq>(row.integer(4))};
  out.reason = row.text(5);
  out.at_ns = row.integer(6);
  out.done = row.integer(7) != 0;
  return out;
}

Result<std::vector<SkippedHole>> read_holes(Target& target, std::string_view which) {
  const auto rows = target.prepare(std::string(kSelect) + std::string(which) + " ORDER BY id");
  if (!rows) return rows.error();
  std::vector<SkippedHole> out;
  SLUICE_TRY(each_row(**rows, [&](const Statement& row) -> Result<void> {
    auto hole = hole_in(row);
    if (!hole) return hole.error();
    out.push_back(std::move(*hole));
    return {};
  }));
  return out;
}

bool is_same(const SkippedHole& a, const SkippedHole& b) {
  return a.gateway == b.gateway && a.epoch == b.epoch && a.lane == b.lane && a.range == b.range;
}

}  // namespace

Result<std::vector<SkippedHole>> Skips::read(Target& target) {
  return read_holes(target, "");
}

Result<void> Skips::reload() {
  waiting_.clear();
  auto holes = read_holes(target_, " WHERE done = 0");
  if (!holes) return holes.error();
  for (SkippedHole& hole : *holes)
    waiting_[{hole.gateway, hole.lane}][hole.epoch].push_back(std::move(hole));
  return {};
}

Result<void> Skips::note(const SkippedHole& hole) {
  const auto statement = target_.prepare(
      "INSERT INTO _sluice_skipped (gateway, lane, epoch, first, last, reason, at_ns, done)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  if (!statement) return statement.error();
  const std::string epoch = hole.epoch.text();
  (*statement)->bind(1, std::string_view(hole.gateway));
  (*statement)->bind(2, static_cast<std::int64_t>(hole.lane)).bind(3, std::string_view(epoch));
  (*statement)->bind(4, static_cast<std::int64_t>(hole.range.from));
  (*statement)->bind(5, static_cast<std::int64_t>(hole.range.to));
  (*statement)->bind(6, std::string_view(hole.reason)).bind(7, hole.at_ns);
  const auto done = (*statement)->bind(8, std::int64_t{hole.done ? 1 : 0}).run();
  if (!done) return done.error();
  return {};
}

std::vector<Skips::Lane> Skips::lanes() const {
  std::vector<Lane> out;
  for (const auto& [lane, epochs] : waiting_) out.push_back(lane);
  return out;
}

std::vector<core::Epoch> Skips::epochs(std::string_view gateway, core::Lane lane) const {
  std::vector<core::Epoch> out;
  if (waiting_.empty()) return out;
  const auto found = waiting_.find({std::string(gateway), lane});
  if (found == waiting_.end()) return out;
  for (const auto& [epoch, holes] : found->second) out.push_back(epoch);
  return out;
}

std::string Skips::reason(const RowRef& row, const HoleRange& range) const {
  const auto lane = waiting_.find({std::string(row.gateway), row.lane});
  if (lane == waiting_.end()) return {};
  const auto epoch = lane->second.find(row.epoch);
  if (epoch == lane->second.end()) return {};
  if (range.is_wait()) {  // as far as its predecessor had come there
    for (const SkippedHole& hole : epoch->second)
      if (hole.range.is_wait() && hole.range.to <= range.to) return hole.reason;
    return {};
  }
  // A hole may have been stepped over in several parts.
  core::Seq at = range.from;
  const SkippedHole* last = nullptr;
  for (bool moved = true; moved && (last == nullptr || at <= range.to);) {
    moved = false;
    for (const SkippedHole& hole : epoch->second)
      if (!moved && !hole.range.is_wait() && hole.range.from <= at && at <= hole.range.to) {
        at = hole.range.to + 1;
        last = &hole;
        moved = true;
      }
  }
  return last != nullptr && at > range.to ? last->reason : std::string();
}

Result<void> Skips::passed(const RowRef& row, core::Seq next) {
  const auto lane = waiting_.find({std::string(row.gateway), row.lane});
  if (lane == waiting_.end()) return {};
  const auto epoch = lane->second.find(row.epoch);
  if (epoch == lane->second.end()) return {};
  const auto is_past = [&](const SkippedHole& hole) {
    return hole.range.is_wait() || hole.range.to < next;
  };
  if (std::erase_if(epoch->second, is_past) == 0) return {};
  if (epoch->second.empty()) lane->second.erase(epoch);
  if (lane->second.empty()) waiting_.erase(lane);
  const auto statement = target_.prepare(
      "UPDATE _sluice_skipped SET done = 1 WHERE gateway = ?1 AND lane = ?2 AND epoch = ?3"
      " AND done = 0 AND (first = 0 OR last < ?4)");
  if (!statement) return statement.error();
  const std::string text = row.epoch.text();
  (*statement)->bind(1, row.gateway).bind(2, static_cast<std::int64_t>(row.lane));
  (*statement)->bind(3, std::string_view(text)).bind(4, static_cast<std::int64_t>(next));
  const auto done = (*statement)->run();
  if (!done) return done.error();
  return {};
}

std::vector<SkippedHole> unknown_holes(std::span<const SkippedHole> told,
                                       std::span<const SkippedHole> known) {
  std::vector<SkippedHole> out;
  const auto is_in = [](std::span<const SkippedHole> holes, const SkippedHole& hole) {
    return std::any_of(holes.begin(), holes.end(),
                       [&](const SkippedHole& other) { return is_same(hole, other); });
  };
  for (const SkippedHole& hole : told)
    if (!is_in(known, hole) && !is_in(out, hole)) out.push_back(hole);
  return out;
}

}  // namespace sluice::projection
