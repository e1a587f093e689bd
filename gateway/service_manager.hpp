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

 private:
  std::chrono::milliseconds watchdog_{0};
  std::string last_status_;
};

// Whether the log's writer gets on: nothing waits, or there was a commit since the last look. A
// writer that hangs in the disk thus ends as a restart, and not as a gateway that looks well. Pure.
class WriterPulse {
 public:
  bool beats(std::uint64_t queued, std::int64_t last_commit_ns);

 private:
  std::int64_t seen_ns_ = 0;
};

}  // namespace sluice::gateway
