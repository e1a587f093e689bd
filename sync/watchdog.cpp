// SPDX-License-Identifier: Apache-2.0
#include "sync/watchdog.hpp"

#include <pthread.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <string_view>

namespace sluice::sync {

namespace {

std::int64_t monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

Watchdog::Watchdog(std::chrono::milliseconds limit, std::chrono::milliseconds interval,
                   std::function<void()> ask)
    : limit_(limit), interval_(interval), ask_(std::move(ask)), wake_(::eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "watchdog");
}

Watchdog::~Watchdog() {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(wake_);
}

void Watchdog::run() {
  std::int64_t asked_at = monotonic_ms();
  for (;;) {
    if (answered_ == asked_) {
      ++asked_;
      asked_at = monotonic_ms();
      ask_();
    } else if (monotonic_ms() - asked_at > limit_.count()) {
      static constexpr std::string_view kWords =
          "<3>uplink: the main loop stands still, most likely inside nats.c; ending the process\n";
      (void)!::write(STDERR_FILENO, kWords.data(), kWords.size());
      ::_exit(kExitCode);
    }
    pollfd end{wake_, POLLIN, 0};
    if (::poll(&end, 1, static_cast<int>(interval_.count())) > 0) return;
  }
}

}  // namespace sluice::sync
