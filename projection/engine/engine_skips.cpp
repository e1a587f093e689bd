// SPDX-License-Identifier: Apache-2.0
// What an operator steps over, here and in another database of the model.
#include <algorithm>

#include "core/text.hpp"
#include "projection/engine/model_engine.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

Result<BatchOutcome> ModelEngine::skip(const RowRef& row, std::string_view reason) {
  if (!core::is_utf8(reason) || reason.empty() || reason.find('\0') != std::string_view::npos)
    return fail(Errc::kBadRequest, "a reason is needed", "reason");
  // An operator's word is not read again from the hub: it is synced.
  return batch({}, {std::string(row.gateway)}, Begin::kSynced, [&]() -> Result<void> {
    const auto missing = gate().missing(row);
    if (!missing) return missing.error();
    SLUICE_TRY(step_over(HubStream{}, row, reason, ""));
    SkippedHole hole;
    hole.gateway = row.gateway;
    hole.epoch = row.epoch;
    hole.lane = row.lane;
    hole.range = missing->value_or(HoleRange{});
    hole.reason = reason;
    hole.at_ns = now_ns_;
    hole.done = true;
    SLUICE_TRY(skips_.note(hole));
    return carry_out_skips(HubStream{}, row.gateway, row.lane);
  });
}

// With its audit row.
Result<void> ModelEngine::step_over(const HubStream& hub, const RowRef& row,
                                    std::string_view reason, std::string_view how) {
  const auto answer = gate().skip(row, reason, *this);
  if (!answer) return answer.error();
  SLUICE_TRY(count(*answer, hub));
  const auto audit = target_->prepare(
      "INSERT INTO _sluice_audit (at_ns, what, detail) VALUES (?1, 'holds skip', ?2)");
  if (!audit) return audit.error();
  const std::string detail = std::string(row.gateway) + " " + row.epoch.text() + " " +
                             std::string(core::lane_name(row.lane)) + " gave up " +
                             std::to_string(answer->absent) + ", applied " +
                             std::to_string(answer->applied) + std::string(how) + ": " +
                             std::string(reason);
  const auto done = (*audit)->bind(1, now_ns_).bind(2, std::string_view(detail)).run();
  if (!done) return done.error();
  return {};
}

Result<std::vector<SkippedHole>> ModelEngine::skipped_holes() {
  return Skips::read(*target_);
}

Result<void> ModelEngine::take_over_skips(std::span<const SkippedHole> holes) {
  const auto known = Skips::read(*target_);
  if (!known) return known.error();
  const auto fresh = unknown_holes(holes, *known);
  if (fresh.empty()) return {};
  Gateways gateways;
  for (const SkippedHole& hole : fresh) gateways.push_back(hole.gateway);
  const auto done = batch({}, gateways, Begin::kSynced, [&]() -> Result<void> {
    for (SkippedHole hole : fresh) {
      hole.done = false;
      SLUICE_TRY(skips_.note(hole));
    }
    SLUICE_TRY(skips_.reload());
    return carry_out_skips(HubStream{}, gateways);
  });
  if (!done) return done.error();
  return {};
}

Result<void> ModelEngine::carry_out_skips(const HubStream& hub, const Gateways& gateways) {
  for (const auto& [gateway, lane] : skips_.lanes())
    if (gateways.empty() || std::find(gateways.begin(), gateways.end(), gateway) != gateways.end())
      SLUICE_TRY(carry_out_skips(hub, gateway, lane));
  return {};
}

// Steps over what keeps this lane back, if all of it was stepped over elsewhere. That may show the
// next hole.
Result<void> ModelEngine::carry_out_skips(const HubStream& hub, std::string_view gateway,
                                          core::Lane lane) {
  for (bool moved = skips_.any(); moved;) {
    moved = false;
    for (const core::Epoch epoch : skips_.epochs(gateway, lane)) {
      const RowRef ref{gateway, epoch, lane};
      const auto missing = gate().missing(ref);
      if (!missing) return missing.error();
      const std::string reason = *missing ? skips_.reason(ref, **missing) : std::string();
      if (!reason.empty()) SLUICE_TRY(step_over(hub, ref, reason, ", taken over"));
      moved = moved || !reason.empty();
      const auto row = store_->find(ref);
      if (!row) return row.error();
      if (*row != nullptr && (*row)->state == RowState::kOpen)
        SLUICE_TRY(skips_.passed(ref, (*row)->next));
    }
  }
  return {};
}

}  // namespace sluice::projection
