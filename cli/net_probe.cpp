// SPDX-License-Identifier: Apache-2.0
#include "cli/net_probe.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/units.hpp"
#include "core/clock.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kGreetingBytesMax = 64 * 1024;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int problem = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (problem != 0) return fail(Errc::kUnavailable, host + ": " + gai_strerror(problem));
  return Addresses(list);
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds limit)
      : end_ns_(clock_.monotonic_ns() + static_cast<std::uint64_t>(limit.count()) * 1'000'000) {}
  // False: the time is over.
  bool wait(int fd, short events) const {
    const std::uint64_t now = clock_.monotonic_ns();
    pollfd file{fd, events, 0};
    return now < end_ns_ && poll(&file, 1, static_cast<int>((end_ns_ - now) / 1'000'000) + 1) > 0;
  }

 private:
  core::SystemClock clock_;
  std::uint64_t end_ns_;
};

Result<void> connect_to(const Socket& socket, const addrinfo& address, const Deadline& deadline) {
  int problem = 0;
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) != 0) {
    problem = errno;
    if (problem == EINPROGRESS) {
      if (!deadline.wait(socket.fd(), POLLOUT))
        return fail(Errc::kUnavailable, "no answer to the connection in time (a firewall?)");
      socklen_t size = sizeof problem;
      getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &problem, &size);
    }
  }
  if (problem != 0) return fail(Errc::kUnavailable, std::strerror(problem));
  return {};
}

Result<core::json::object> read_greeting(const Socket& socket, const Deadline& deadline) {
  std::string line;
  while (line.find('\n') == std::string::npos) {
    char buffer[4096];
    if (line.size() > kGreetingBytesMax || !deadline.wait(socket.fd(), POLLIN))
      return fail(Errc::kUnavailable, "it accepts the connection and then stays silent");
    const ssize_t got = read(socket.fd(), buffer, sizeof buffer);
    if (got == 0) return fail(Errc::kUnavailable, "it closes the connection at once");
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      return fail(Errc::kUnavailable, std::strerror(errno));
    if (got > 0) line.append(buffer, static_cast<std::size_t>(got));
  }
  const auto info =
      core::parse_json(line.starts_with("INFO ") ? line.substr(5, line.find('\n') - 5) : "");
  if (!info || !info->is_object())
    return fail(Errc::kCorrupt, "what answers there is no NATS server: it says '" +
                                    core::printable(line.substr(0, 40)) + "'");
  return info->get_object();
}

}  // namespace

Result<HostPort> host_of_url(const std::string& url) {
  std::string_view rest = url;
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos)
    rest.remove_prefix(scheme + 3);
  rest = rest.substr(0, rest.find('/'));
  if (const std::size_t user = rest.rfind('@'); user != std::string_view::npos)
    rest.remove_prefix(user + 1);
  HostPort out;
  std::size_t colon = rest.rfind(':');
  if (rest.starts_with('[')) {  // an IPv6 address
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos)
      colon = std::string_view::npos;
    else if (colon < end)
      colon = std::string_view::npos;
    out.host = rest.substr(1, end == std::string_view::npos ? end : end - 1);
  } else {
    out.host = rest.substr(0, colon);
  }
  if (colon != std::string_view::npos) {
    const auto port = parse_count(rest.substr(colon + 1), "urls");
    if (!port || *port == 0 || *port > 65535)
      return fail(Errc::kBadRequest, "'" + core::printable(url) + "' has no valid port");
    out.port = static_cast<std::uint16_t>(*port);
  }
  if (out.host.empty())
    return fail(Errc::kBadRequest, "'" + core::printable(url) + "' names no host");
  return out;
}

Result<std::vector<std::string>> resolve(const std::string& host) {
  const auto list = look_up(host, 0);
  if (!list) return list.error();
  std::vector<std::string> out;
  for (const addrinfo* one = list->get(); one != nullptr; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
        0)
      out.emplace_back(text);
  }
  return out;
}

Result<core::json::object> nats_greeting(const HostPort& server,
                                         std::chrono::milliseconds timeout) {
  const auto list = look_up(server.host, server.port);
  if (!list) return list.error();
  const Deadline deadline(timeout);
  core::Error last = fail(Errc::kUnavailable, "the name has no address");
  for (const addrinfo* one = list->get(); one != nullptr; one = one->ai_next) {
    const Socket socket(
        ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.fd() < 0) continue;
    if (const auto there = connect_to(socket, *one, deadline); !there) {
      last = there.error();
      continue;
    }
    return read_greeting(socket, deadline);
  }
  return last;
}

}  // namespace sluice::cli
