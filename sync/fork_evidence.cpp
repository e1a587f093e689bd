// SPDX-License-Identifier: Apache-2.0
#include "sync/fork_evidence.hpp"

namespace sluice::sync {

std::optional<ForkEvidence> fork_in_report(const codec::Report& report,
                                           const std::array<LaneView, core::kLaneCount>& log) {
  using Kind = ForkEvidence::Kind;
  std::optional<ForkEvidence> found;
  for (const core::Lane lane : core::kLanes) {
    const LaneView& own = log[core::index(lane)];
    const core::Seq reported = report.lanes[core::index(lane)].last;
    if (own.history == nullptr || own.history->empty()) continue;
    ForkEvidence evidence{Kind::kLostTail, lane, report.epoch, reported, 0};
    if (const auto range = own.history->range_of(report.epoch, own.last)) {
      evidence.here = range->to;
      if (own.history->is_running(report.epoch)) evidence.kind = Kind::kWentBack;
    } else {
      if (own.history->is_new()) continue;
      evidence.here = own.history->last_before_start();
      evidence.kind = Kind::kOldCopy;
    }
    if (reported <= evidence.here) continue;
    if (evidence.kind == Kind::kWentBack) return evidence;
    if (!found || reported - evidence.here > found->reported - found->here) found = evidence;
  }
  return found;
}

std::string fork_kind(const ForkEvidence& evidence) {
  switch (evidence.kind) {
    case ForkEvidence::Kind::kLostTail:
      return "lost_tail";
    case ForkEvidence::Kind::kOldCopy:
      return "old_copy";
    case ForkEvidence::Kind::kWentBack:
      return "snapshot";
  }
  return {};
}

std::string fork_words(const ForkEvidence& evidence) {
  const std::string lane = "lane " + std::string(core::lane_name(evidence.lane));
  const std::string reported = std::to_string(evidence.reported);
  const std::string here = std::to_string(evidence.here);
  switch (evidence.kind) {
    case ForkEvidence::Kind::kLostTail:
      return lane + ": epoch " + evidence.epoch.text() + " was reported up to seq " + reported +
             ", this log has it up to " + here + ": its end was lost, or an older copy came back";
    case ForkEvidence::Kind::kOldCopy:
      return lane + ": this gateway reported seq " + reported + " in epoch " +
             evidence.epoch.text() + ", which this log does not know; it ended at seq " + here +
             ": an older copy of the log was brought back";
    case ForkEvidence::Kind::kWentBack:
      return lane + ": the running epoch was reported up to seq " + reported +
             ", this log ends at " + here + ": it went back under the running program";
  }
  return {};
}

std::string fork_to_do(const ForkEvidence& evidence) {
  switch (evidence.kind) {
    case ForkEvidence::Kind::kLostTail:
      return "What the hub has is kept. Check the card (sluice doctor, sluice plugtest) and ask "
             "the devices to send again what they still have.";
    case ForkEvidence::Kind::kOldCopy:
      return "What the other copy holds and had not sent lies on its card: sluice bundle export "
             "--state. Do not restore a log from a backup.";
    case ForkEvidence::Kind::kWentBack:
      return "What was not acknowledged is sent again in a new epoch, with the same ids. Do not "
             "take snapshots of a running gateway.";
  }
  return {};
}

}  // namespace sluice::sync
