// SPDX-License-Identifier: Apache-2.0
#include "sync/progress_pulse.hpp"

namespace sluice::sync {

bool ProgressPulse::beats(std::uint64_t moves, bool rests, Time now) {
  if (!begun_ || rests || moves != moves_) moved_ = now;
  begun_ = true;
  moves_ = moves;
  return now - moved_ < limit_;
}

}  // namespace sluice::sync
