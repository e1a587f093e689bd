// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/gate/gate.hpp"

namespace sluice::projection {

// What one call of the gate has done so far. Private to gate*.cpp.
struct Gate::Batch {
  GateSink& sink;
  Answer answer;
};

}  // namespace sluice::projection
