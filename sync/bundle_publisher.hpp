// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "sync/nats/connection.hpp"
#include "sync/outbox.hpp"
#include "sync/pub_ack.hpp"

namespace sluice::sync {

// Publishes items in order within a window, and again from the lowest unacked one after a refusal,
// a silence or a lost connection. Blocking; one thread.
class BundlePublisher {
 public:
  struct Options {
    nats::LoginSettings login;
    std::size_t window_events = 1024;
    std::size_t window_bytes = 4u << 20;
    std::chrono::milliseconds ack_timeout{10'000};
    std::chrono::milliseconds give_up{120'000};  // without any ack
  };
  // In the order of publish(); nothing below it is missing.
  using Acked = std::function<void(const Item& item, const PubAck& ack)>;

  BundlePublisher(Options options, Acked acked);
  ~BundlePublisher();

  // The open connection, made anew if it was lost. kUnavailable, kUnauthorized.
  core::Result<nats::Connection*> connection();
  // Returns when there is room for the next one. kLimit: the hub will never take this one;
  // kUnavailable: the time is over, with the last refusal's words.
  core::Result<void> publish(Item item, bool is_late);
  core::Result<void> drain();  // until all is acked

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Item item;
    bool is_late = false;
    std::size_t bytes = 0;
    std::optional<PubAck> ack;
  };
  struct Mailbox {
    std::mutex mutex;
    std::condition_variable something;
    std::vector<nats::Message> answers;
    std::string complaint;
  };
  core::Result<void> send(const Waiting& one, std::uint64_t token);
  core::Result<void> wait_while(const std::function<bool()>& full);
  core::Result<bool> take_answers(std::chrono::milliseconds wait);  // true: any came
  core::Result<void> take_answer(const nats::Message& message);
  void hand_out();
  core::Result<void> again();
  bool over() const { return Clock::now() - progress_ >= options_.give_up; }
  core::Error given_up() const;

  Options options_;
  Acked acked_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<nats::Connection> connection_;
  std::unique_ptr<nats::Subscription> answers_;
  std::string inbox_;
  std::deque<Waiting> window_;
  std::size_t window_bytes_ = 0;
  std::uint64_t first_token_ = 1;  // of the window's front
  bool refused_ = false;
  std::string words_;
  Clock::time_point progress_;
  Clock::time_point heard_;
  std::chrono::milliseconds pause_{0};
};

}  // namespace sluice::sync
