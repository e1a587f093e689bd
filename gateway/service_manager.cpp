// SPDX-License-Identifier: Apache-2.0
#include "gateway/service_manager.hpp"

#include <systemd/sd-daemon.h>

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

bool WriterPulse::beats(const Look& look) {
  const auto patience = static_cast<std::uint64_t>(patience_.count());
  const bool moved = look.queued == 0 || look.settled != settled_ || moved_ns_ == 0;
  settled_ = look.settled;
  if (moved) moved_ns_ = look.now_ns;
  const std::uint64_t turned_ns = look.turn_ns == 0 ? look.now_ns : look.turn_ns;
  return look.now_ns <= moved_ns_ + patience && look.now_ns <= turned_ns + patience;
}

}  // namespace sluice::gateway
