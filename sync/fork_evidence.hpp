// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/codec/messages.hpp"
#include "sync/history.hpp"

namespace sluice::sync {

// What a report that stands at the hub tells of this gateway's own log having come apart.
struct ForkEvidence {
  enum class Kind {
    kLostTail,  // of an epoch of this log that has ended, more was reported than is here
    kOldCopy,   // an epoch that this log does not know ran further than this log goes
    kWentBack,  // of the running epoch, more was reported than is here: a snapshot came back
  };
  Kind kind = Kind::kLostTail;
  core::Lane lane = core::Lane::kTelemetry;
  core::Epoch epoch;
  core::Seq reported = 0;  // its last seq, as reported
  core::Seq here = 0;      // the last seq that this log has of it, or had when it started
};

// One lane of the log as it is now.
struct LaneView {
  const History* history = nullptr;
  core::Seq last = 0;
};

// nullopt: nothing speaks against this log. A log that was just made proves nothing: its epochs
// have no predecessor. Pure.
std::optional<ForkEvidence> fork_in_report(const codec::Report& report,
                                           const std::array<LaneView, core::kLaneCount>& log);

// For the event ForkSeen: its kind, and what happened and what to do in words.
std::string fork_kind(const ForkEvidence& evidence);
std::string fork_words(const ForkEvidence& evidence);
std::string fork_to_do(const ForkEvidence& evidence);

}  // namespace sluice::sync
