// SPDX-License-Identifier: Apache-2.0
#include "hub/api/trail_words.hpp"

namespace sluice::hub {

using projection::Fate;

std::string fate_words(const Fate& fate) {
  switch (fate.kind) {
    case Fate::Kind::kUnknown:
      return "Nothing of its epoch has been read into this model.";
    case Fate::Kind::kNotRead:
      return "It has not been read into this model yet.";
    case Fate::Kind::kHeld:
      if (fate.predecessor)
        return "It waits until the epoch before, " + fate.predecessor.text() + ", is complete.";
      if (fate.hole_from == 0) return "It waits: the first event of its epoch has not come.";
      if (fate.hole_from == fate.hole_to)
        return "It waits for seq " + std::to_string(fate.hole_from) + ", which has not come.";
      return "It waits for seq " + std::to_string(fate.hole_from) + " to " +
             std::to_string(fate.hole_to) + ", which have not come.";
    case Fate::Kind::kNotStored:
      return "It must wait, and its lane's share of waiting events is full: it is read again when "
             "the hole closes.";
    case Fate::Kind::kApplied:
      return fate.why.empty() ? "" : "It was parked, and applied by an operator.";
    case Fate::Kind::kParked:
      return fate.parked_kind == "late" ? "It came after it had been given up: " + fate.why
                                        : fate.why;
    case Fate::Kind::kAbsent:
      return "It was given up (" + fate.why + ") and never came.";
    case Fate::Kind::kSkipped:
      return "It was parked, and given up by an operator: " + fate.why;
    case Fate::Kind::kBeforeStart:
      return "The model began behind it (history = available).";
  }
  return "";
}

AtGateway at_gateway(const core::Identity& identity, const codec::Report& report) {
  const auto& lane = report.lanes[index(identity.lane)];
  if (identity.seq > lane.last) {
    if (identity.epoch != report.epoch)
      return {"other log",
              "The gateway's log ends before it, and runs in another epoch: a lost tail or an old "
              "copy, see its page."};
    return {"not there", "By its last report the gateway does not have it yet."};
  }
  if (identity.seq > lane.acked)
    return {"waiting", "It waits in the gateway's log for the hub: " +
                           std::to_string(lane.last - lane.acked) + " events do."};
  return {"acknowledged", "The hub has acknowledged it to the gateway."};
}

}  // namespace sluice::hub
