// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "hub/feed/need_tracker.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::hub {

// What gateways are told for all models together: the ranges that are missing (NeedTracker), and
// that a hub stream is not what it was. Shared by the threads that read and the one that publishes.
// Any thread.
class NeedDesk {
 public:
  NeedDesk(const core::Clock& clock, core::Logger& log) : clock_(clock), log_(log) {}

  // After each batch of a consumer. `hub_last` is asked only when the holes have changed; if it
  // gives no answer, nothing is recorded.
  core::Result<void> saw(std::string_view consumer, const std::vector<MissingRange>& holes,
                         std::uint64_t position,
                         const std::function<core::Result<std::uint64_t>()>& hub_last);
  void forget(std::string_view consumer);

  // A consumer found its hub stream made anew or cut back. All that find the same make one word.
  void hub_changed(const std::string& hub_stream, const std::string& created);

  // Publishes what is missing and due on `need.<gateway>`; call once a second.
  core::Result<void> publish_due(nats::Connection& connection);
  // If a hub stream changed, tells all of `gateways`, which are asked for only then, to look at
  // theirs, whichever that is.
  core::Result<void> publish_changes(nats::Connection& connection,
                                     const std::function<std::vector<std::string>()>& gateways);
  std::uint64_t published() const { return published_.load(); }

 private:
  const core::Clock& clock_;
  core::Logger& log_;
  std::mutex mutex_;
  NeedTracker tracker_;
  struct Change {
    std::string created;
    std::uint64_t found_ns = 0;
  };
  std::map<std::string, Change> changes_;  // by hub stream: the newest that gateways were told of
  bool is_change_due_ = false;
  std::atomic<std::uint64_t> published_{0};
};

}  // namespace sluice::hub
