// SPDX-License-Identifier: Apache-2.0
#include "bench/counting_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/report.hpp"

namespace sluice::bench {
namespace {

constexpr int kLookEvery = 100;  // ms

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool pass_on(int from, int to, std::atomic<std::uint64_t>& counter) {
  char buffer[65536];
  const ssize_t size = ::recv(from, buffer, sizeof buffer, 0);
  if (size <= 0) return false;
  counter += static_cast<std::uint64_t>(size);
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t part =
        ::send(to, buffer + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
    if (part <= 0) return false;
    sent += part;
  }
  return true;
}

}  // namespace

CountingProxy::CountingProxy(std::uint16_t to)
    : to_(to), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 4) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("no port for the proxy");
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this] { serve(); });
}

CountingProxy::~CountingProxy() {
  stop_ = true;
  thread_ = {};
  ::close(listener_);
}

// One connection at a time: an uplink has no more.
void CountingProxy::serve() {
  while (!stop_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, kLookEvery) < 1) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++connections_;
    relay(client);
    ::close(client);
  }
}

void CountingProxy::relay(int client) const {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(to_);
  const int on = 1;
  for (const int fd : {client, server}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  while (open && !stop_) {
    pollfd ready[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (::poll(ready, 2, kLookEvery) < 1) continue;
    if (ready[0].revents != 0) open = pass_on(client, server, up_);
    if (open && ready[1].revents != 0) open = pass_on(server, client, down_);
  }
  ::close(server);
}

}  // namespace sluice::bench
