// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace sluice::test {

// A bad link: a TCP relay from a port of its own to one on 127.0.0.1, on a thread of its own. It
// counts and spoils what goes through: TCP payload, so TLS and all above it. The first byte that it
// spoils is exactly the one that was asked for.
//
// All members may be called from any thread, at any time, and hold for the connections that are
// open as well as for new ones. Rate, delay and counters are the link's: connections share them.
class TcpProxy {
 public:
  enum class Way { kUp, kDown };  // to the server, from the server

  // `listen_on`: an IPv4 address of this machine. Throws std::runtime_error if that cannot be.
  explicit TcpProxy(std::uint16_t server_port, const std::string& listen_on = "127.0.0.1");
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;
  ~TcpProxy();

  std::uint16_t port() const;
  std::string url(const std::string& scheme = "nats") const;  // <scheme>://<listen_on>:<port>

  // A slow link: every byte takes its share of a second (0: no limit), then the delay on top.
  void set_delay(Way way, std::chrono::milliseconds delay);
  void set_rate(Way way, std::uint64_t bytes_per_second);
  void set_delay(std::chrono::milliseconds each_way);
  void set_rate(std::uint64_t bytes_per_second_each_way);

  // Lets so many more bytes through, then closes that connection on both sides: once.
  void cut_after(Way way, std::uint64_t bytes);
  // Lets so many more bytes through, then is silent(): once.
  void silent_after(Way way, std::uint64_t bytes);

  void cut();  // closes every open connection on both sides; new ones pass
  // Nothing passes, nothing is closed, connections are still taken; what is sent waits. After
  // resume() it passes, late, as after a radio hole.
  void silent();
  // What there is, and what comes from now on, is open for the client only: its bytes vanish, and
  // the server sees a close. Those connections stay so, whatever comes; after resume() new ones
  // pass.
  void half_open();
  void refuse();  // closes all; connecting is refused by the kernel
  // Ends silent, half_open and refuse, and takes back what cut_after and silent_after asked for.
  void resume();

  std::uint64_t passed(Way way) const;  // bytes so far
  std::uint64_t bytes() const;          // both ways
  std::uint64_t connections() const;    // taken so far

 private:
  class Relay;
  std::unique_ptr<Relay> relay_;
};

}  // namespace sluice::test
