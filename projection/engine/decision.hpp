// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/ids.hpp"

namespace sluice::projection {

// What an operator decided about an event that a model had parked. It holds for the event, whatever
// version of the model meets it.
struct Decision {
  core::Identity event;
  std::string category;  // of the event; empty: an older program did not keep category and type
  std::string type;
  bool applied = false;  // by a retry; else its effect was given up
  bool late = false;     // it was parked as late, so that its stream did not wait for it
  std::string reason;
  std::int64_t at_ns = 0;  // wall time
  // Where it was carried out, which decides what its stream's later events find: when all of this
  // epoch below `next` had come, in the event's lane. next 0: not known; as soon as it is parked.
  core::Epoch epoch;
  core::Seq next = 0;
  // The order (GateRow::order) of the gateway's newest epoch then, which says what was late; 0: not
  // known. In a copy of the database at hand alone: others count otherwise.
  std::int64_t newest = 0;
  // Else, in the database at hand, the event or the place has not come yet; or the event had its
  // effect before the decision came.
  bool done = false;
};

}  // namespace sluice::projection
