// SPDX-License-Identifier: Apache-2.0
#include "cli/line_socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kLineBytesMax = 64 * 1024;
constexpr int kSendTimeoutMs = 10'000;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> look_up(const std::string& address, bool to_listen) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size())
    return fail(Errc::kBadRequest, "'" + address + "' is not HOST:PORT");
  std::uint16_t port = 0;  // getaddrinfo takes 99999 for 34463
  const char* const end = address.data() + address.size();
  const auto number = std::from_chars(address.data() + colon + 1, end, port);
  if (number.ec != std::errc() || number.ptr != end)
    return fail(Errc::kBadRequest, "'" + address + "' is not HOST:PORT with a port up to 65535");
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = to_listen ? AI_PASSIVE : 0;
  addrinfo* list = nullptr;
  const int problem = getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                  address.c_str() + colon + 1, &hints, &list);
  if (problem != 0) return fail(Errc::kUnavailable, address + ": " + gai_strerror(problem));
  return Addresses(list);
}

core::Error refused(const std::string& what) {
  return fail(Errc::kUnavailable, what + ": " + std::strerror(errno));
}

bool connected(int fd, const addrinfo& address, std::chrono::milliseconds timeout) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd file{fd, POLLOUT, 0};
  if (poll(&file, 1, static_cast<int>(timeout.count())) <= 0) {
    errno = ETIMEDOUT;
    return false;
  }
  socklen_t size = sizeof errno;
  int problem = 0;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
  errno = problem;
  return problem == 0;
}

}  // namespace

LineSocket::LineSocket(int fd) : fd_(fd) {
  const int on = 1;
  const int idle_s = 10;
  // A board without power says nothing: the kernel asks, and ends the connection after half a
  // minute.
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd_, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd_, IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof idle_s);
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

LineSocket::~LineSocket() {
  if (fd_ >= 0) close(fd_);
}

LineSocket::LineSocket(LineSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), partial_(std::move(other.partial_)) {}

Result<LineSocket> LineSocket::connect(const std::string& address,
                                       std::chrono::milliseconds timeout) {
  const auto addresses = look_up(address, false);
  if (!addresses) return addresses.error();
  errno = EADDRNOTAVAIL;
  for (const addrinfo* one = addresses->get(); one != nullptr; one = one->ai_next) {
    const int fd = socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    if (connected(fd, *one, timeout)) return LineSocket(fd);
    const int why = errno;
    close(fd);
    errno = why;
  }
  return refused("nobody takes a connection at " + address);
}

Result<void> LineSocket::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return refused("the connection is gone");
    pollfd file{fd_, POLLOUT, 0};
    if (poll(&file, 1, kSendTimeoutMs) <= 0)
      return fail(Errc::kUnavailable, "the other end takes nothing any more");
  }
  return {};
}

Result<std::vector<std::string>> LineSocket::receive(std::chrono::milliseconds wait) {
  std::vector<std::string> lines;
  pollfd file{fd_, POLLIN, 0};
  if (poll(&file, 1, static_cast<int>(wait.count())) <= 0) return lines;
  char buffer[16 * 1024];
  const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
  if (got == 0) return fail(Errc::kUnavailable, "the other end closed the connection");
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return lines;
    return refused("the connection is gone");
  }
  partial_.append(buffer, static_cast<std::size_t>(got));
  std::size_t from = 0;
  for (std::size_t end; (end = partial_.find('\n', from)) != std::string::npos; from = end + 1)
    lines.push_back(partial_.substr(from, end - from));
  partial_.erase(0, from);
  if (partial_.size() > kLineBytesMax)
    return fail(Errc::kUnavailable, "the other end sends a line without an end");
  return lines;
}

Result<Listener> listen_on(const std::string& address) {
  const auto addresses = look_up(address, true);
  if (!addresses) return addresses.error();
  const addrinfo& one = **addresses;
  const int fd = socket(one.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return refused(address);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (bind(fd, one.ai_addr, one.ai_addrlen) != 0 || listen(fd, 8) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    const auto error = refused("cannot listen on " + address);
    close(fd);
    return error;
  }
  const auto port = bound.ss_family == AF_INET6
                        ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                        : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port;
  return Listener{fd, ntohs(port)};
}

}  // namespace sluice::cli
