// SPDX-License-Identifier: Apache-2.0
#include "gateway/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <utility>

namespace sluice::gateway {

ServiceManager::ServiceManager() {
  std::uint64_t us = 0;
  if (::sd_watchdog_enabled(0, &us) > 0) watchdog_ = std::chrono::milliseconds(us / 3000);
}

void ServiceManager::ready() const {
  ::sd_notify(0, "READY=1");
}
void ServiceManager::stopping() const {
  ::sd_notify(0, "STOPPING=1");
}
void ServiceManager::alive() const {
  ::sd_notify(0, "WATCHDOG=1");
}

void ServiceManager::status(const std::string& line) {
  if (line == last_status_) return;
  last_status_ = line;
  ::sd_notify(0, ("STATUS=" + line).c_str());
}

void ServiceManager::extend_start(std::chrono::milliseconds wait) const {
  ::sd_notify(0, ("EXTEND_TIMEOUT_USEC=" + std::to_string(wait.count() * 1000)).c_str());
}

bool WriterPulse::beats(std::uint64_t queued, std::int64_t last_commit_ns) {
  return std::exchange(seen_ns_, last_commit_ns) != last_commit_ns || queued == 0;
}

}  // namespace sluice::gateway
