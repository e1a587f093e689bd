// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "core/ids.hpp"

// Decisions about time, pure.
namespace sluice::storage {

// Whether a sealed segment, wholly acked at powered-on time `acked_ms`, may go. Nothing goes while
// a rewind runs: until the cursor has passed `trim_after` again.
constexpr bool may_trim(std::uint64_t acked_ms, std::uint64_t now_ms, core::Seq cursor,
                        core::Seq trim_after, std::chrono::milliseconds retention) {
  return cursor >= trim_after && now_ms >= acked_ms &&
         now_ms - acked_ms >= static_cast<std::uint64_t>(retention.count());
}

// How long a start waits before it opens an epoch, when the `short_lived` starts before it in a row
// each lived less than a minute: 0, 1 s, 2 s, 4 s ... `max`.
constexpr std::chrono::milliseconds crash_wait(std::uint32_t short_lived,
                                               std::chrono::milliseconds max) {
  if (short_lived == 0) return std::chrono::milliseconds{0};
  const std::uint32_t doublings = short_lived > 10 ? 10 : short_lived - 1;
  const std::chrono::milliseconds wait{1000ll << doublings};
  return wait < max ? wait : max;
}

}  // namespace sluice::storage
