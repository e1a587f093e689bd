// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/event.hpp"
#include "projection/gate/types.hpp"

namespace sluice::projection {

// What an operator stepped over with `holds skip`. It holds for the lane, whatever version of the
// model meets the hole.
struct SkippedHole {
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  HoleRange range;  // what was given up
  std::string reason;
  std::int64_t at_ns = 0;  // wall time; 0: an older program did not keep it
  // Else, in the database at hand, the hole has not shown itself yet.
  bool done = false;

  RowRef row() const { return {gateway, epoch, lane}; }
};

}  // namespace sluice::projection
