// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "core/codec/messages.hpp"
#include "core/result.hpp"
#include "sync/nats/connection.hpp"
#include "sync/report_keeper.hpp"

namespace sluice::sync {

// One publisher per gateway at a time: the right to publish a gateway's events in place of its
// uplink, kept in the gateway's own entry of the report bucket (docs/event-format.md, "Report").
// The uplink gives way when it sees it; whoever holds it must renew() it. Blocking; one thread.
class ImportTurn {
 public:
  struct Timing {
    std::chrono::milliseconds renew{10'000};
    std::chrono::milliseconds dead{60'000};    // an import that does not renew is gone
    std::chrono::milliseconds answer{10'000};  // an uplink that is there gives way in that time
    std::chrono::milliseconds uplink_alive{900'000};  // a report that old is of one that is not
    std::chrono::milliseconds look{500};
  };
  using Notice = std::function<void(const std::string& words)>;

  // `epoch`: for a gateway that never reported.
  ImportTurn(std::string gateway, core::Epoch epoch, Timing timing, Notice notice);

  // Waits for another import until that is done or dead, then for the uplink to give way, if there
  // is one. Without a bucket it says so and goes on. kBusy: the entry changes all the time.
  core::Result<void> take(nats::Connection& hub);
  // Call it between messages; it writes only when it is time to. Takes the turn again if it was
  // lost, to an uplink of an older version, say.
  core::Result<void> renew(nats::Connection& hub);
  void release(nats::Connection& hub);

  // The epoch that the gateway runs, as it last reported; nothing if it never did.
  std::optional<core::Epoch> running() const { return running_; }

 private:
  using Clock = std::chrono::steady_clock;
  using State = codec::Report::Turn::State;
  core::Result<std::optional<StoredReport>> read(nats::Connection& hub);
  core::Result<PutAnswer> write(nats::Connection& hub, std::uint64_t revision, State state);
  core::Result<std::optional<StoredReport>> wait_for_others(nats::Connection& hub);
  core::Result<void> wait_for_uplink(nats::Connection& hub, const StoredReport& before);
  void call_uplink(nats::Connection& hub);

  std::string gateway_;
  Timing timing_;
  Notice notice_;
  std::string importer_;
  codec::Report report_;  // as it was found
  std::optional<core::Epoch> running_;
  std::uint64_t revision_ = 0;
  State state_ = State::kPublishing;
  bool held_ = false;
  bool no_bucket_ = false;
  Clock::time_point written_;
};

// For waiting without anything to wait for.
void pause_for(std::chrono::milliseconds time);

}  // namespace sluice::sync
