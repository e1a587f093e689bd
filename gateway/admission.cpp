// SPDX-License-Identifier: Apache-2.0
#include "gateway/admission.hpp"

#include <utility>

#include "core/assert.hpp"

namespace sluice::gateway {

bool Admission::fits(Cost cost) const {
  if (used_.events == 0) return true;
  return used_.events + cost.events <= events_max_ && used_.bytes + cost.bytes <= bytes_max_;
}

void Admission::take(Cost cost) {
  used_.events += cost.events;
  used_.bytes += cost.bytes;
}

bool Admission::enter(Cost cost, std::function<void()> start) {
  if (!line_.empty() || !fits(cost)) {
    line_.push_back({cost, std::move(start)});
    return false;
  }
  take(cost);
  start();
  return true;
}

void Admission::leave(Cost cost) {
  SLUICE_ASSERT(used_.events >= cost.events && used_.bytes >= cost.bytes);
  used_.events -= cost.events;
  used_.bytes -= cost.bytes;
  while (!line_.empty() && fits(line_.front().cost)) {
    const Waiter next = std::move(line_.front());
    line_.pop_front();
    take(next.cost);
    next.start();
  }
}

}  // namespace sluice::gateway
