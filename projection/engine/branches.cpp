// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/branches.hpp"

#include "projection/database/target.hpp"

namespace sluice::projection {
namespace {

constexpr const char* kBranches = R"(
WITH shared AS (
  SELECT gateway, lane, previous, count(*) - 1 AS others FROM _sluice_gate
  WHERE state <> 0 AND previous <> '' GROUP BY gateway, lane, previous HAVING count(*) > 1)
SELECT c.gateway, c.lane, c.epoch, c.previous, c.previous_last, coalesce(p.next, 0),
       coalesce(s.others, 0), c.epoch_order, c.since_ns
FROM _sluice_gate c
LEFT JOIN _sluice_gate p ON p.gateway = c.gateway AND p.lane = c.lane AND p.epoch = c.previous
LEFT JOIN shared s ON s.gateway = c.gateway AND s.lane = c.lane AND s.previous = c.previous
WHERE c.state <> 0 AND c.previous <> ''
  AND (s.others IS NOT NULL OR p.next > c.previous_last + 1)
ORDER BY c.id DESC LIMIT ?1
)";

}  // namespace

core::Result<std::vector<Branch>> read_branches(Target& target, std::size_t limit) {
  const auto rows = target.prepare(kBranches);
  if (!rows) return rows.error();
  (*rows)->bind(1, static_cast<std::int64_t>(limit));
  std::vector<Branch> out;
  SLUICE_TRY(each_row(**rows, [&](const Statement& row) -> core::Result<void> {
    const auto epoch = core::Epoch::parse(row.text(2));
    const auto previous = core::Epoch::parse(row.text(3));
    if (!epoch || !previous) return {};
    Branch branch;
    branch.gateway = row.text(0);
    branch.lane = static_cast<core::Lane>(row.integer(1));
    branch.epoch = *epoch;
    branch.previous = *previous;
    branch.previous_last = static_cast<core::Seq>(row.integer(4));
    const auto next = static_cast<core::Seq>(row.integer(5));
    branch.hub_last = next > 0 ? next - 1 : 0;
    branch.siblings = static_cast<std::uint64_t>(row.integer(6));
    branch.order = row.integer(7);
    branch.since_ns = row.integer(8);
    out.push_back(std::move(branch));
    return {};
  }));
  return out;
}

}  // namespace sluice::projection
