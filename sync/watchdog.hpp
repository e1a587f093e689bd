// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

namespace sluice::sync {

// Ends the process when the main loop stands still: nats.c can block for ever inside a call that
// holds its connection's lock, and no other thread can free it then. Own thread, CLOCK_MONOTONIC,
// no allocation on the way out; the supervisor starts the program again from what is on disk.
class Watchdog {
 public:
  static constexpr int kExitCode = 75;  // EX_TEMPFAIL

  // `ask` posts to the main loop; the main loop answers with alive().
  Watchdog(std::chrono::milliseconds limit, std::chrono::milliseconds interval,
           std::function<void()> ask);
  ~Watchdog();
  void alive() { answered_ = asked_.load(); }

 private:
  void run();
  const std::chrono::milliseconds limit_;
  const std::chrono::milliseconds interval_;
  const std::function<void()> ask_;
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> answered_{0};
  int wake_ = -1;  // eventfd: the end
  std::thread thread_;
};

}  // namespace sluice::sync
