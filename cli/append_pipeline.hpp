// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "cli/gateway.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"
#include "rpc/blocking_client.hpp"

namespace sluice::cli {

// Sends events one by one with many in flight, in order, and outlives restarts of the gateway:
// what has no answer when the connection breaks is sent again, in the old order, on the next one.
// That is harmless because every event has an id. One thread.
class AppendPipeline {
 public:
  struct Settings {
    std::size_t in_flight_max = 256;
    std::chrono::nanoseconds patience = std::chrono::minutes(2);  // without a gateway, then give up
  };
  struct Answer {
    std::uint64_t tag = 0;  // as given to add()
    core::Result<Position> result = Position{};
    bool resent = false;  // sent more than once: `duplicate` may then be our own first attempt
  };
  using OnAnswer = std::function<void(const Answer&)>;

  AppendPipeline(std::string gateway, Settings settings, core::Clock& clock, OnAnswer on_answer);

  // Must succeed before anything else: a gateway that was never there is not waited for.
  core::Result<void> connect();

  bool has_room() const { return pending_.size() < settings_.in_flight_max; }
  bool idle() const { return pending_.empty(); }
  std::uint64_t reconnects() const { return reconnects_; }
  bool connected() const { return client_.has_value(); }
  void add(std::uint64_t tag, std::string append_params);  // has_room() must hold

  // Sends and takes answers as far as that goes, and waits at most `wait` for more to come, from
  // the gateway or (unless -1) from `other_fd`. True: other_fd can be read. kUnavailable: patience
  // is at an end; everything pending has been answered with that error before.
  core::Result<bool> step(int other_fd, std::chrono::milliseconds wait);

 private:
  struct Pending {
    std::uint64_t tag;
    std::string params;
    std::optional<std::uint32_t> request;  // in flight under this id
    bool sent_before = false;
  };
  void send_pending();
  void take_answers();
  void settle(const rpc::BlockingClient::Incoming& answer);
  void lose_connection(const core::Error& why);
  void try_again();
  bool out_of_patience() const;
  core::Error give_up();
  bool poll_both(int other_fd, std::chrono::milliseconds wait);

  std::string gateway_;
  Settings settings_;
  core::Clock& clock_;
  OnAnswer on_answer_;
  std::optional<rpc::BlockingClient> client_;
  std::deque<Pending> pending_;
  std::size_t in_flight_ = 0;
  bool paused_ = false;  // a refusal that passes: nothing new until all in flight is answered
  std::uint64_t resume_ns_ = 0;
  std::uint64_t lost_ns_ = 0;
  std::uint64_t next_try_ns_ = 0;
  std::uint64_t back_off_ns_ = 0;
  std::uint64_t reconnects_ = 0;
  core::Error last_error_;
};

}  // namespace sluice::cli
