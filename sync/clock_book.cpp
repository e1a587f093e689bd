// SPDX-License-Identifier: Apache-2.0
#include "sync/clock_book.hpp"

#include <algorithm>

namespace sluice::sync {

void ClockBook::learn(const core::Uuid& boot, std::int64_t wall_ns, std::uint64_t monotonic_ns) {
  const std::int64_t began = wall_ns - static_cast<std::int64_t>(monotonic_ns);
  newest_ns_ = std::max(newest_ns_, wall_ns);
  const auto known =
      std::find_if(boots_.begin(), boots_.end(), [&](const Boot& of) { return of.id == boot; });
  if (known != boots_.end()) {
    known->began_ns = began;
    return;
  }
  if (boots_.size() >= kBootsMax) boots_.pop_front();
  boots_.push_back({boot, began});
}

std::int64_t ClockBook::correction(const core::Recorded& recorded) const {
  if (recorded.trusted) return 0;
  for (const auto& boot : boots_) {
    if (boot.id != recorded.boot) continue;
    // Recorded times come from the disk: whatever they are, this must not overflow.
    std::int64_t truth = 0, out = 0;
    if (__builtin_add_overflow(boot.began_ns, static_cast<std::int64_t>(recorded.monotonic_ns),
                               &truth) ||
        __builtin_sub_overflow(truth, recorded.wall_ns, &out))
      return 0;
    return out < kWorthTellingNs && out > -kWorthTellingNs ? 0 : out;
  }
  return 0;
}

}  // namespace sluice::sync
