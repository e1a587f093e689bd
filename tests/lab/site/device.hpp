// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/ids.hpp"
#include "core/random.hpp"
#include "rpc/blocking_client.hpp"
#include "tests/lab/site/verdict.hpp"

namespace sluice::test {

// A device that appends a few events, waits, and again, on a thread of its own, from its making
// until stop(). What is not answered it sends again with the same ids, for as long as it takes.
class Device {
 public:
  struct Options {
    std::string category = "load";
    std::size_t events_at_once = 10;
    std::chrono::milliseconds pause{25};
    std::size_t padding = 100;  // bytes
  };
  // Stream <category>/d<number>, with ids drawn from the number.
  Device(std::filesystem::path ingest_socket, std::uint64_t number, Options options);
  ~Device() { stop(); }

  std::uint64_t acked_so_far() const { return acked_count_; }
  std::uint64_t refused_so_far() const { return refused_; }  // answers that were errors
  // The longest wait for one answer so far.
  std::chrono::milliseconds slowest() const { return std::chrono::milliseconds(slowest_ms_); }

  void stop();  // what is not yet answered is given up
  const std::vector<Acked>& acked() const { return acked_; }  // after stop()

 private:
  struct Event {
    std::string id;
    std::uint64_t number = 0;
  };
  void run();
  bool append(const std::vector<Event>& batch);
  std::string encode(const std::vector<Event>& batch) const;
  std::string turn_of(const Event& event) const;

  std::filesystem::path socket_;
  std::uint64_t number_;
  Options options_;
  core::SeededRandom random_;
  core::UuidV7 ids_{random_};
  std::optional<rpc::BlockingClient> client_;
  std::vector<Acked> acked_;
  std::atomic<std::uint64_t> acked_count_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::int64_t> slowest_ms_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace sluice::test
