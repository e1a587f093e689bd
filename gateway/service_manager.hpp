// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::gateway {

// Words to systemd (sd_notify); without it they go nowhere. One thread.
class ServiceManager {
 public:
  ServiceManager();
  void ready() const;
  void status(const std::string& line);  // sent when it differs from the last one
  void stopping() const;
  void extend_start(std::chrono::milliseconds wait) const;  // the start takes that much longer
  void alive() const;                                       // pets the watchdog, if there is one
  // How often alive() is due: a third of the watchdog's time; 0 without one.
  std::chrono::milliseconds watchdog() const { return watchdog_; }
  // Half of the watchdog's time: without progress for longer, alive() is not called.
  std::chrono::milliseconds patience() const { return watchdog_ * 3 / 2; }

 private:
  std::chrono::milliseconds watchdog_{0};
  std::string last_status_;
};

// Whether the log's writer gets on, so that one that hangs in the disk ends as a restart, and not
// as a gateway that looks well. While appends wait, some have to be settled (committed, or refused
// for a reason that a restart would not mend); and with nothing to do its thread must still come
// round, as it does once a second. Pure.
class WriterPulse {
 public:
  struct Look {
    std::uint64_t now_ns = 0;   // all times monotonic
    std::uint64_t turn_ns = 0;  // when the writer's thread last came round; 0: never yet
    std::uint64_t queued = 0;   // events that wait
    std::uint64_t settled = 0;  // commits and answers since the start
  };
  // `patience`: how long either may take; at least a few seconds, or a slow card is a dead one.
  explicit WriterPulse(std::chrono::nanoseconds patience) : patience_(patience) {}
  bool beats(const Look& look);

 private:
  const std::chrono::nanoseconds patience_;
  std::uint64_t settled_ = 0;
  std::uint64_t moved_ns_ = 0;  // when that changed last, or nothing waited; 0: not looked yet
};

}  // namespace sluice::gateway
