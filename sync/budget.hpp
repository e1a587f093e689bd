// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "sync/effects.hpp"

namespace sluice::sync {

// How many bytes per second a lane may send on a metered link: a bucket that holds one second's
// worth. What is larger than that goes once the bucket is full and is paid for afterwards, so that
// the longest event passes too. Counts what is published, not TLS, TCP or answers. Pure.
class Budget {
 public:
  explicit Budget(std::uint64_t bytes_per_second = 0) : rate_(bytes_per_second) {}  // 0: no limit

  // When `bytes` may be sent: `now` or later.
  Time ready(std::size_t bytes, Time now);
  void spend(std::size_t bytes, Time now);
  bool is_limited() const { return rate_ != 0; }

 private:
  void fill(Time now);
  std::uint64_t rate_ = 0;
  // In thousandths of a byte, since time comes in thousandths of a second.
  std::int64_t level_ = 0;
  Time at_{0};
  bool begun_ = false;
};

}  // namespace sluice::sync
