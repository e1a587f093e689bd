// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "gateway/hub_wait.hpp"
#include "gateway/log_desk.hpp"
#include "gateway/receipt.hpp"

namespace sluice::gateway {

// Answers appends when the lane's [log.<lane>] ack says: after the commit, after the hub's own
// acknowledgement, or as soon as the log's queue has taken them. On the I/O thread.
class AckDesk {
 public:
  using Answer = std::function<void(core::Result<Receipt>)>;
  struct Environment {
    const core::Clock& clock;
    core::Random& random;
    core::Logger& logger;
  };
  AckDesk(boost::asio::io_context& io, LogDesk& desk, Environment environment);

  // As LogDesk::append. Errors of ack = "hub" beside those of the log: kUnavailable (stored, not
  // confirmed within [log] hub_timeout: the same id may be sent again and waits again), kTooLarge
  // (stored, and the hub can never take it).
  bool append(storage::AppendRequest request, Answer answer, std::function<void()> started);

  // The program ends: those who wait for the hub are told that it has not confirmed.
  void give_up();

  LogDesk& log_desk() { return desk_; }
  const Settings& settings() const { return desk_.settings(); }

  struct Counters {
    std::uint64_t hub_waiting = 0;
    std::uint64_t memory_taken = 0;  // events answered from memory
    std::uint64_t memory_lost = 0;   // of these, refused by the log afterwards
  };
  Counters counters() const;

 private:
  bool append_to_memory(storage::AppendRequest request, Answer answer,
                        std::function<void()> started);
  void wait_for_hub(std::vector<storage::Appended> events, const Answer& answer);
  void lost(std::size_t events, const core::Error& why);
  void arm();

  LogDesk& desk_;
  Environment environment_;
  core::UuidV7 ids_;
  HubWait hub_;
  boost::asio::steady_timer expiry_;
  bool armed_ = false;
  bool ending_ = false;
  std::uint64_t memory_taken_ = 0;
  std::uint64_t memory_lost_ = 0;
  std::uint64_t lost_told_ = 0;  // of memory_lost_, in the last line about it
  std::uint64_t lost_told_ns_ = 0;
};

}  // namespace sluice::gateway
