// SPDX-License-Identifier: Apache-2.0
#include "hub/fleet/report_trends.hpp"

#include <algorithm>

namespace sluice::hub {
namespace {

constexpr double kDayNs = 86'400e9;
constexpr std::int64_t kHourNs = 3'600'000'000'000;

}  // namespace

void ReportTrends::take(const codec::Report& report, std::int64_t received_ns) {
  for (const core::Lane lane : core::kLanes) {
    auto& marks = marks_[index(lane)];
    const auto& state = report.lanes[index(lane)];
    if (!marks.empty() && state.last < marks.back().last) marks.clear();  // another log
    std::erase_if(marks, [&](const Mark& mark) { return mark.last <= state.acked; });
    if (state.last <= state.acked || (!marks.empty() && marks.back().last == state.last)) continue;
    // Every second one goes, the oldest stays: what is said becomes coarser, never more.
    if (marks.size() >= kMarksMax)
      for (std::size_t i = marks.size() - 1; i > 0; i -= std::min<std::size_t>(i, 2))
        marks.erase(marks.begin() + static_cast<std::ptrdiff_t>(i));
    marks.push_back({received_ns, state.last});
  }
  if (report.disk_total_bytes == 0) return;
  newest_ = {received_ns, report.disk_free_bytes};
  if (!disks_.empty() && received_ns - disks_.back().at_ns < kDiskEveryNs) return;
  if (disks_.size() >= kDisksMax) disks_.erase(disks_.begin());
  disks_.push_back(newest_);
}

std::int64_t ReportTrends::waits_ns(core::Lane lane, std::int64_t now_ns) const {
  const auto& marks = marks_[index(lane)];
  return marks.empty() ? 0 : std::max<std::int64_t>(0, now_ns - marks.front().at_ns);
}

std::optional<double> ReportTrends::disk_days_left() const {
  if (disks_.empty()) return std::nullopt;
  const Disk& first = disks_.front();
  const std::int64_t span = newest_.at_ns - first.at_ns;
  if (span < kHourNs || newest_.free_bytes >= first.free_bytes) return std::nullopt;
  const double per_ns =
      static_cast<double>(first.free_bytes - newest_.free_bytes) / static_cast<double>(span);
  return static_cast<double>(newest_.free_bytes) / per_ns / kDayNs;
}

}  // namespace sluice::hub
