// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/codec/messages.hpp"

namespace sluice::hub {

// What one report cannot say, but several of a gateway can: how long its events have waited, and
// how long its disk will last. All times are the hub's; all that is known before the hub's start is
// forgotten. Pure; one thread.
class ReportTrends {
 public:
  void take(const codec::Report& report, std::int64_t received_ns);
  // At least how long the oldest event that the hub has not acknowledged has waited; 0: none does.
  std::int64_t waits_ns(core::Lane lane, std::int64_t now_ns) const;
  // At the rate of the last hours, at most a day. nullopt: less than an hour is known, or the free
  // space does not shrink.
  std::optional<double> disk_days_left() const;

  static constexpr std::size_t kMarksMax = 32;   // of a lane
  static constexpr std::size_t kDisksMax = 144;  // a day
  static constexpr std::int64_t kDiskEveryNs = 600'000'000'000;

 private:
  // All up to `last` were in the log at `at_ns`.
  struct Mark {
    std::int64_t at_ns = 0;
    core::Seq last = 0;
  };
  struct Disk {
    std::int64_t at_ns = 0;
    std::uint64_t free_bytes = 0;
  };
  std::array<std::vector<Mark>, core::kLaneCount> marks_;  // each above what is acknowledged
  std::vector<Disk> disks_;
  Disk newest_;
};

}  // namespace sluice::hub
