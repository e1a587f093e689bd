// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "hub/lease/lease_book.hpp"
#include "hub/lease/lease_machine.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::nats {
class PullConsumer;
}

namespace sluice::hub {

// Keeps this worker's leases: a thread with a connection, which shows the machine what the bucket
// holds, does what it says, and writes into the book which shards may be read here.
class LeaseKeeper {
 public:
  struct Settings {
    std::string hub;  // workers of one hub share its shards
    std::string worker;
    std::chrono::milliseconds ttl{10'000};
    std::vector<std::string> shards;
    nats::ConnectionOptions connection;
  };
  // `fatal` is called when only a restart of the program, or of its name, can help.
  LeaseKeeper(Settings settings, const core::Clock& clock, core::Logger& log,
              std::function<void(const core::Error&)> fatal);
  ~LeaseKeeper();
  void start();
  // Gives all shards back, for at most a lease's time, then ends. Feeds must go on meanwhile.
  void stop();
  void join();

  LeaseBook& book() { return book_; }
  const Settings& settings() const { return settings_; }
  struct View {
    std::set<std::string> workers;
    std::map<std::string, LeaseMachine::ShardView> shards;
    std::uint64_t taken = 0;  // leases since the start
    std::uint64_t lost = 0;   // that ran out, or that another had
    std::string last_error;
  };
  View view() const;
  std::uint64_t alive_ns() const { return alive_ns_.load(); }

 private:
  void run();
  core::Result<void> session();
  core::Result<void> show(nats::PullConsumer& consumer);
  void act(nats::Connection* connection);
  void write(nats::Connection& connection, const LeaseMachine::Action& action);
  void watch_stopping();
  bool is_over() const;
  void pause(std::chrono::milliseconds wait);

  const Settings settings_;
  const core::Clock& clock_;
  core::Logger& log_;
  const std::function<void(const core::Error&)> fatal_;
  LeaseBook book_;

  // The keeper's thread only.
  core::SystemRandom random_;
  std::set<std::string> stopping_shards_;
  std::uint64_t leave_until_ns_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  LeaseMachine machine_;  // written by the keeper's thread
  std::uint64_t taken_ = 0;
  std::uint64_t lost_ = 0;
  std::string last_error_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> alive_ns_{0};
  std::thread thread_;
};

}  // namespace sluice::hub
