// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/ids.hpp"
#include "core/random.hpp"
#include "rpc/blocking_client.hpp"
#include "tests/lab/disk/acknowledged.hpp"

namespace sluice::test {

// A device that keeps its own record: appends events at a steady pace over the ingest socket, in a
// thread of its own, and remembers what was acknowledged. What was not is sent again with the same
// ids, in the old order, until it is. Nothing of it lies on the disk under test.
//
// The pace matters: an unpaced writer spends its life inside a sync, so that nearly every cut falls
// into one and the loss between two syncs is never seen.
class Device {
 public:
  struct Options {
    std::string stream = "pump/1";  // its category decides the lane
    std::size_t per_append = 1;     // an atomic append of so many
    std::size_t pad_bytes = 150;
    std::chrono::microseconds pace{2'000};  // between two appends; 0: at once after the answer
    std::uint64_t seed = 1;
  };
  Device(std::filesystem::path socket, Options options);
  ~Device();
  Device(Device&&) = delete;

  void start();
  void power_is_gone();  // answers from now on are marked; start() ends that
  void stop();           // and waits for the thread; start() goes on with what is open

  // Any thread.
  std::uint64_t count() const;                            // acknowledged
  std::map<std::string, std::uint64_t> refusals() const;  // by error code's word
  std::string last_refusal() const;                       // in words
  // Only while it is stopped.
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }

 private:
  void work();
  bool append();  // false: try again
  std::string encode() const;
  void take(std::string_view answer);
  bool pause(std::chrono::microseconds time);  // false: stop

  std::filesystem::path socket_;
  Options options_;
  core::SeededRandom random_;
  core::UuidV7 ids_{random_};
  std::uint64_t number_ = 0;
  std::vector<core::Uuid> open_;
  std::optional<rpc::BlockingClient> client_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = true;
  bool power_ = true;
  std::vector<Acknowledged> acknowledged_;
  std::map<std::string, std::uint64_t> refusals_;
  std::string last_refusal_;
  std::thread thread_;
};

}  // namespace sluice::test
