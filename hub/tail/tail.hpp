// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/logger.hpp"
#include "http/event_stream.hpp"
#include "hub/tail/tail_ring.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::nats {
struct Pulled;
}

namespace sluice::hub {

// Events as they reach the hub, for those who look on: one reader per shard with a consumer that
// begins at the hub stream's end, while anybody looks; nothing is read when nobody does. It never
// falls behind: what it cannot keep up with is left out and counted. Any thread.
class Tail {
 public:
  Tail(std::vector<std::string> shards, nats::ConnectionOptions connection, core::Logger& log,
       std::function<void(const core::Error&)> fatal);
  ~Tail();
  void start();
  void stop();  // asks the threads to end
  void join();

  // Sends what the filter wants to `stream`, from now on, until it is closed: event "begin", then
  // "event", "dropped" {"count"} for what was left out, "trouble" {"message"} while a hub stream
  // cannot be read.
  void watch(std::shared_ptr<http::EventStream> stream, TailFilter filter);

  static constexpr std::chrono::milliseconds kEvery{250};
  static constexpr std::size_t kPerRound = 50;          // events to one client, every kEvery
  static constexpr std::size_t kDataBytesMax = 16'384;  // of one event's data
  static constexpr std::uint64_t kBehindMax = 5'000;    // then the reader jumps to the end
  static constexpr std::chrono::seconds kLinger{15};    // read on for the next who looks

 private:
  struct Client {  // but for `stream`, the sender's thread only
    std::shared_ptr<http::EventStream> stream;
    TailFilter filter;
    std::uint64_t read = 0;     // up to this number
    std::uint64_t dropped = 0;  // not told yet
    std::string told;           // the last trouble
  };
  struct Shard {
    std::string name;
    std::string trouble;  // why it cannot be read; empty while it is
    std::thread thread;
  };

  void send_rounds();
  void serve(Client& client, const std::string& trouble) const;
  void read(Shard& shard);
  core::Result<void> session(Shard& shard);
  core::Result<void> read_from_end(nats::Connection& connection, Shard& shard, std::uint64_t& last);
  void take(const Shard& shard, const nats::Pulled& pulled, std::uint64_t& last);
  bool wanted() const;                         // somebody looks, or did a moment ago
  bool pause(std::chrono::milliseconds wait);  // false: stopping
  std::string trouble() const;

  const nats::ConnectionOptions connection_;
  core::Logger& log_;
  std::function<void(const core::Error&)> fatal_;
  TailRing ring_;

  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::shared_ptr<Client>> clients_;
  std::chrono::steady_clock::time_point looked_{};  // when somebody did last
  std::thread sender_;
};

}  // namespace sluice::hub
