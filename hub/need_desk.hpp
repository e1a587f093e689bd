// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "hub/need_tracker.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::hub {

// The NeedTracker of all models, shared by the threads that read and the one that publishes. Any
// thread.
class NeedDesk {
 public:
  NeedDesk(const core::Clock& clock, core::Logger& log) : clock_(clock), log_(log) {}

  // After each batch of a consumer. `hub_last` is asked only when the holes have changed; if it
  // gives no answer, nothing is recorded.
  core::Result<void> saw(std::string_view consumer, const std::vector<MissingRange>& holes,
                         std::uint64_t position,
                         const std::function<core::Result<std::uint64_t>()>& hub_last);
  void forget(std::string_view consumer);

  // Publishes what is due on `need.<gateway>`; call once a second.
  core::Result<void> publish_due(nats::Connection& connection);
  std::uint64_t published() const { return published_.load(); }

 private:
  const core::Clock& clock_;
  core::Logger& log_;
  std::mutex mutex_;
  NeedTracker tracker_;
  std::atomic<std::uint64_t> published_{0};
};

}  // namespace sluice::hub
