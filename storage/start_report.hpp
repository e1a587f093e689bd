// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/damaged_files.hpp"

namespace sluice::storage {

// A lane ends below what it is known to have held.
struct LostTail {
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq known = 0;  // it had this seq; 0: only that something may be missing
  core::Seq last = 0;   // where it ended when it was opened
  std::string how;      // how that is known, in words
};

// What a start found wrong and went on from.
struct StartReport {
  std::vector<SalvagedSegment> salvaged;  // also of earlier starts, until an event told of it
  std::vector<LostTail> lost_tails;
};

}  // namespace sluice::storage
