// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/ids.hpp"

namespace sluice::core {

// The two times that Sluice knows. Wall time may be wrong by years and may step either way; it is
// recorded, never used for order. Intervals come from monotonic time only. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t wall_ns() const = 0;  // since 1970-01-01T00:00:00Z, as the kernel has it
  virtual std::uint64_t monotonic_ns() const = 0;  // since boot, suspend included (CLOCK_BOOTTIME)
  virtual Uuid boot() const = 0;     // this boot's id; monotonic times compare within it
  virtual bool trusted() const = 0;  // the kernel says that wall time is synchronised
};

// The machine's clocks. `trusted` is the kernel's STA_UNSYNC flag turned round (adjtimex(2)), or
// that a file is there which something else makes when it has set the clock, as systemd-timesyncd
// does with /run/systemd/timesync/synchronized.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(std::string sync_file = {});
  std::int64_t wall_ns() const override;
  std::uint64_t monotonic_ns() const override;
  Uuid boot() const override { return boot_; }
  bool trusted() const override;

 private:
  std::string sync_file_;
  Uuid boot_;
};

// For tests: stands still until told.
class ManualClock final : public Clock {
 public:
  std::int64_t wall_ns() const override { return wall; }
  std::uint64_t monotonic_ns() const override { return monotonic; }
  Uuid boot() const override { return boot_id; }
  bool trusted() const override { return is_trusted; }
  void advance_ms(std::int64_t ms) {
    wall += ms * 1'000'000;
    monotonic += static_cast<std::uint64_t>(ms) * 1'000'000;
  }

  std::int64_t wall = 1'790'000'000'000'000'000;
  std::uint64_t monotonic = 1'000'000'000;
  Uuid boot_id{{1}};
  bool is_trusted = true;
};

}  // namespace sluice::core
