// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "core/logger.hpp"
#include "gateway/log_desk.hpp"

namespace sluice::gateway {

// When the next chain mark of a lane is due: after `interval` if the lane went on, and at once
// after 65,536 events. Pure.
class MarkSchedule {
 public:
  static constexpr std::uint64_t kEventsMax = 65'536;
  explicit MarkSchedule(std::chrono::milliseconds interval) : interval_(interval) {}

  void start(core::Seq last, std::uint64_t now_ns);
  // `last`: the lane's last seq, without what only marks added to it.
  bool due(core::Seq last, std::uint64_t now_ns) const;
  bool advanced(core::Seq last) const { return last > marked_; }
  void made(core::Seq last, std::uint64_t now_ns) { start(last, now_ns); }

 private:
  std::chrono::milliseconds interval_;
  core::Seq marked_ = 0;
  std::uint64_t since_ns_ = 0;
};

// What sluiced tells of its log in events of its own: ChainMark, in the stream sluice/lane/<lane>,
// by which either end can check that no event was changed; and SegmentSalvaged, there too, once for
// each segment that a start could not read whole. I/O thread.
class LogMarks {
 public:
  LogMarks(LogDesk& desk, const core::Clock& clock, core::Logger& logger)
      : desk_(desk), clock_(clock), logger_(logger) {}

  void start();  // once the log is open
  void tick();   // about once a second
  void stop();   // before a clean end: marks what went on since the last mark

 private:
  void tell(const storage::SalvagedSegment& salvaged);
  void mark(bool all);
  core::Seq last_of(core::Lane lane, core::Seq last) const;

  LogDesk& desk_;
  const core::Clock& clock_;
  core::Logger& logger_;
  std::vector<MarkSchedule> schedules_;  // by lane; empty before start()
  std::uint64_t marks_ = 0;              // events that marks added to lane system
};

}  // namespace sluice::gateway
