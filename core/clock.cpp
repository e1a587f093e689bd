// SPDX-License-Identifier: Apache-2.0
#include "core/clock.hpp"

#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace sluice::core {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

SystemClock::SystemClock(std::string sync_file) : sync_file_(std::move(sync_file)) {
  std::string text;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), text);
  if (const auto id = Uuid::parse(text)) boot_ = *id;
}

std::int64_t SystemClock::wall_ns() const {
  return read_clock(CLOCK_REALTIME);
}

std::uint64_t SystemClock::monotonic_ns() const {
  return static_cast<std::uint64_t>(read_clock(CLOCK_BOOTTIME));
}

bool SystemClock::trusted() const {
  if (!sync_file_.empty() && ::access(sync_file_.c_str(), F_OK) == 0) return true;
  timex state{};
  return adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
}

}  // namespace sluice::core
