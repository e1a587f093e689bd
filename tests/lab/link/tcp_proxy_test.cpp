// SPDX-License-Identifier: Apache-2.0
// The lab's own bad link, against a peer that says back what it hears: a fault that is not the one
// asked for proves nothing.
#include "tests/support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/listener.hpp"
#include "tests/support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using Way = TcpProxy::Way;

// Says back what it hears, one connection at a time.
class Echo {
 public:
  std::uint16_t port() const { return listener_.port(); }
  std::uint64_t heard() const { return heard_; }
  int closed() const { return closed_; }

 private:
  void serve(int peer) {
    char buffer[4096];
    for (ssize_t size = 0; (size = ::recv(peer, buffer, sizeof buffer, 0)) > 0;) {
      heard_ += static_cast<std::uint64_t>(size);
      (void)!::send(peer, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    }
    ::close(peer);
    ++closed_;
  }
  std::atomic<std::uint64_t> heard_{0};
  std::atomic<int> closed_{0};
  Listener listener_{[this](int peer) { serve(peer); }};  // last: it uses the others
};

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { ::close(fd_); }
  bool connected() const { return connected_; }
  void say(std::size_t bytes) const {
    const std::string text(bytes, 'x');
    (void)!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  // Reads until so many bytes are there, the end comes, or nothing does for `limit`.
  std::size_t hear(std::size_t bytes, std::chrono::milliseconds limit = 5s) {
    std::size_t got = 0;
    while (got < bytes) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(limit.count())) < 1) return got;
      char buffer[4096];
      const ssize_t size = ::recv(fd_, buffer, std::min(sizeof buffer, bytes - got), 0);
      if (size <= 0) {
        ended_ = true;
        return got;
      }
      got += static_cast<std::size_t>(size);
    }
    return got;
  }
  bool ended() const { return ended_; }

 private:
  int fd_;
  bool connected_ = false;
  bool ended_ = false;
};

TEST(TcpProxy, CutsAtTheVeryByteThatWasAskedForAndOnlyOnce) {
  for (const std::uint64_t at : {1u, 7u, 1000u, 70'000u}) {
    Echo echo;
    TcpProxy proxy(echo.port());
    proxy.cut_after(Way::kUp, at);
    Client client(proxy.port());
    client.say(100'000);
    client.hear(100'000);
    EXPECT_TRUE(client.ended());
    EXPECT_TRUE(eventually([&] { return echo.closed() == 1; }));
    EXPECT_EQ(echo.heard(), at);
    EXPECT_EQ(proxy.passed(Way::kUp), at);
    Client next(proxy.port());
    next.say(3000);
    EXPECT_EQ(next.hear(3000), 3000u);
    EXPECT_EQ(proxy.connections(), 2u);
  }
}

TEST(TcpProxy, SilenceKeepsTheConnectionAndWhatWasSaidComesLate) {
  Echo echo;
  TcpProxy proxy(echo.port());
  Client client(proxy.port());
  client.say(10);
  EXPECT_EQ(client.hear(10), 10u);
  proxy.silent();
  client.say(10);
  EXPECT_EQ(client.hear(10, 300ms), 0u);
  EXPECT_FALSE(client.ended());
  proxy.resume();
  EXPECT_EQ(client.hear(10), 10u);
  proxy.silent_after(Way::kDown, 4);
  client.say(10);
  EXPECT_EQ(client.hear(10, 300ms), 4u);
}

TEST(TcpProxy, HalfOpenIsClosedForTheServerAndOpenForTheClientForEver) {
  Echo echo;
  TcpProxy proxy(echo.port());
  Client client(proxy.port());
  client.say(10);
  EXPECT_EQ(client.hear(10), 10u);
  proxy.half_open();
  EXPECT_TRUE(eventually([&] { return echo.closed() == 1; }));
  Client second(proxy.port());
  proxy.resume();
  for (Client* one : {&client, &second}) {
    one->say(10);
    EXPECT_EQ(one->hear(1, 300ms), 0u);
    EXPECT_FALSE(one->ended());
  }
  Client third(proxy.port());
  third.say(5);
  EXPECT_EQ(third.hear(5), 5u);
}

TEST(TcpProxy, RefusingIsTheKernelsRefusal) {
  Echo echo;
  TcpProxy proxy(echo.port());
  Client client(proxy.port());
  proxy.refuse();
  EXPECT_EQ(client.hear(1), 0u);
  EXPECT_TRUE(client.ended());
  EXPECT_FALSE(Client(proxy.port()).connected());
  proxy.resume();
  EXPECT_TRUE(Client(proxy.port()).connected());
}

TEST(TcpProxy, DelayAndRateAreThoseOfTheLink) {
  Echo echo;
  TcpProxy proxy(echo.port());
  proxy.set_delay(50ms);
  Client client(proxy.port());
  auto begin = std::chrono::steady_clock::now();
  client.say(10);
  EXPECT_EQ(client.hear(10), 10u);
  const auto round_trip = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(round_trip, 100ms);
  proxy.set_rate(Way::kUp, 20'000);
  begin = std::chrono::steady_clock::now();
  client.say(20'000);
  EXPECT_EQ(client.hear(20'000), 20'000u);
  const auto second = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(second, 1s);
  EXPECT_LT(second, 4s);
}

}  // namespace
}  // namespace sluice::test
