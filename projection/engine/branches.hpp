// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace sluice::projection {

class Target;

// An epoch of a lane that does not simply go on where its predecessor ended: more of the
// predecessor was applied than the gateway's log had when it opened this epoch, or others name the
// same predecessor.
struct Branch {
  std::string gateway;
  core::Lane lane = core::Lane::kTelemetry;
  core::Epoch epoch;
  core::Epoch previous;
  core::Seq previous_last = 0;  // of `previous`, in the log that opened `epoch`
  core::Seq hub_last = 0;       // of `previous`, here; 0: nothing of it was ever applied
  std::uint64_t siblings = 0;   // other epochs that name `previous`
  std::int64_t order = 0;       // among the gateway's epochs
  std::int64_t since_ns = 0;    // when it was first read (this machine's clock)
  std::uint64_t lost() const { return hub_last > previous_last ? hub_last - previous_last : 0; }
};

// The newest first, at most `limit`. Reads every row of the gate: for a page, not for every batch.
core::Result<std::vector<Branch>> read_branches(Target& target, std::size_t limit);

}  // namespace sluice::projection
