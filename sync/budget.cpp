// SPDX-License-Identifier: Apache-2.0
#include "sync/budget.hpp"

#include <algorithm>

namespace sluice::sync {

void Budget::fill(Time now) {
  const auto rate = static_cast<std::int64_t>(rate_);
  const std::int64_t full = rate * 1000;
  if (!begun_) level_ = full;
  const std::int64_t passed = begun_ ? std::max<std::int64_t>(0, (now - at_).count()) : 0;
  begun_ = true;
  at_ = std::max(at_, now);
  // Longer than any debt lasts: what came in meanwhile is no longer counted, it is all.
  if (passed > (full - level_) / rate)
    level_ = full;
  else
    level_ += passed * rate;
}

Time Budget::ready(std::size_t bytes, Time now) {
  if (rate_ == 0) return now;
  fill(now);
  const auto rate = static_cast<std::int64_t>(rate_);
  const std::int64_t wanted = std::min(static_cast<std::int64_t>(bytes), rate) * 1000;
  if (level_ >= wanted) return now;
  return now + Time((wanted - level_ + rate - 1) / rate);
}

void Budget::spend(std::size_t bytes, Time now) {
  if (rate_ == 0) return;
  fill(now);
  level_ -= static_cast<std::int64_t>(bytes) * 1000;
}

}  // namespace sluice::sync
