// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace sluice::bench {

// A TCP relay on 127.0.0.1 that counts what goes through: the payload of TCP, so TLS and all above
// it, both ways.
class CountingProxy {
 public:
  explicit CountingProxy(std::uint16_t to);
  CountingProxy(const CountingProxy&) = delete;
  ~CountingProxy();

  std::uint16_t port() const { return port_; }
  std::uint64_t up() const { return up_; }      // to the server
  std::uint64_t down() const { return down_; }  // from it
  std::uint64_t bytes() const { return up_ + down_; }
  std::uint64_t connections() const { return connections_; }

 private:
  void serve();
  void relay(int client) const;
  std::uint16_t to_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  mutable std::atomic<std::uint64_t> up_{0}, down_{0};
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<bool> stop_{false};
  std::jthread thread_;
};

}  // namespace sluice::bench
