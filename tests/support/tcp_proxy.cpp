// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::test {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using namespace std::chrono_literals;

// Small, so that what a sender believes sent is on the link and not in this machine's buffers.
constexpr int kSocketBuffer = 32 * 1024;
constexpr std::size_t kChunk = 1448;             // a segment's worth: what a slow link interleaves
constexpr std::size_t kUnlimitedChunk = 65'536;  // without a rate
constexpr auto kQueue = 100ms;                   // of line time, as a router would hold

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set_up(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

bool would_block() {
  return errno == EAGAIN || errno == EINTR;
}

// One way of the link, shared by all connections.
struct Line {
  std::chrono::milliseconds delay{0};
  std::uint64_t rate = 0;
  Time free_at{};  // when the last byte taken has left
  std::uint64_t passed = 0;
  std::optional<std::uint64_t> cut_at, silent_at;  // in bytes passed

  bool has_room(Time now) const { return rate == 0 || free_at < now + kQueue; }
  Time take(std::size_t size, Time now) {
    if (rate == 0) return now + delay;
    const auto line_time = std::chrono::nanoseconds(size * 1'000'000'000 / rate);
    free_at = std::max(free_at, now) + line_time;
    return free_at + delay;
  }
  std::uint64_t allowed() const {
    return std::min(cut_at.value_or(UINT64_MAX), silent_at.value_or(UINT64_MAX)) - passed;
  }
};

struct Chunk {
  Time due;
  std::string bytes;
  std::size_t sent = 0;
};

// One way of one connection.
struct Pipe {
  int from = -1;
  int to = -1;
  std::deque<Chunk> queue;
  std::size_t queued = 0;
  bool ended = false;  // nothing more comes
};

struct Connection {
  int client = -1;
  int server = -1;  // -1: half open
  std::array<Pipe, 2> pipes;
  bool over = false;
};

enum class Mode { kPass, kSilent, kHalfOpen, kRefuse };

}  // namespace

class TcpProxy::Relay {
 public:
  Relay(std::uint16_t server_port, const std::string& listen_on)
      : server_port_(server_port),
        listen_on_(listen_on),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    listen();
    thread_ = std::thread([this] { serve(); });
  }
  ~Relay() {
    change([this] { stop_ = true; });
    thread_.join();
    for (auto& connection : connections_) close(connection);
    ::close(listener_);
    ::close(wake_);
  }

  template <class Do>
  void change(Do&& doing) {
    {
      const std::lock_guard lock(mutex_);
      doing();
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
  }
  template <class Get>
  auto look(Get&& get) {
    const std::lock_guard lock(mutex_);
    return get();
  }

  void set_mode(Mode mode) {
    accept_all();  // who connected before belongs to the mode before
    if (mode == Mode::kHalfOpen) {
      for (auto& connection : connections_) make_half_open(connection);
    } else if (mode == Mode::kRefuse) {
      for (auto& connection : connections_) connection.over = true;
      ::close(std::exchange(listener_, -1));
    }
    if (mode == Mode::kPass)
      for (Line& line : lines_) line.cut_at = line.silent_at = std::nullopt;
    mode_ = mode;
    if (mode != Mode::kRefuse && listener_ < 0) listen();
  }
  void cut_all() {
    for (auto& connection : connections_) connection.over = true;
  }

  Line& line(Way way) { return lines_[static_cast<std::size_t>(way)]; }
  std::uint16_t port() const { return port_; }
  const std::string& listens_on() const { return listen_on_; }
  std::uint64_t taken() const { return taken_; }

 private:
  void listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
    sockaddr_in address = loopback(port_);
    socklen_t size = sizeof address;
    if (::inet_pton(AF_INET, listen_on_.c_str(), &address.sin_addr) != 1 ||
        ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port for the proxy");
    set_up(listener_);
    port_ = ntohs(address.sin_port);
  }

  void serve() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      std::erase_if(connections_, [this](Connection& one) {
        if (one.over) close(one);
        return one.over;
      });
      std::vector<pollfd> polled = wishes();
      const int timeout = milliseconds_to_next();
      lock.unlock();
      ::poll(polled.data(), polled.size(), timeout);
      lock.lock();
      std::uint64_t ignored = 0;
      (void)!::read(wake_, &ignored, sizeof ignored);
      if (stop_) break;
      accept_all();
      for (auto& connection : connections_) move(connection);
    }
  }

  // What to wait for: reading where there is room, writing where something is due.
  std::vector<pollfd> wishes() const {
    std::vector<pollfd> out{{wake_, POLLIN, 0}};
    if (listener_ >= 0) out.push_back({listener_, POLLIN, 0});
    const Time now = Clock::now();
    for (const auto& connection : connections_) {
      if (connection.server < 0) out.push_back({connection.client, POLLIN, 0});
      for (std::size_t way = 0; way < 2 && connection.server >= 0; ++way) {
        const Pipe& pipe = connection.pipes[way];
        if (may_read(pipe, lines_[way], now)) out.push_back({pipe.from, POLLIN, 0});
        if (may_write(pipe, now)) out.push_back({pipe.to, POLLOUT, 0});
      }
    }
    return out;
  }
  int milliseconds_to_next() const {
    const Time now = Clock::now();
    Time next = now + 1s;
    for (const auto& connection : connections_)
      for (std::size_t way = 0; way < 2; ++way) {
        const Pipe& pipe = connection.pipes[way];
        if (!pipe.queue.empty() && pipe.queue.front().due > now)
          next = std::min(next, pipe.queue.front().due);
        if (!lines_[way].has_room(now)) next = std::min(next, lines_[way].free_at - kQueue);
      }
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(wait, 1, 1000));
  }

  bool may_read(const Pipe& pipe, const Line& line, Time now) const {
    // What the delay holds back is on its way, not in a buffer: it does not count against the room.
    return mode_ != Mode::kSilent && !pipe.ended && line.has_room(now) &&
           (line.rate != 0 || line.delay > 0ms || pipe.queued < 4 * kUnlimitedChunk);
  }
  bool may_write(const Pipe& pipe, Time now) const {
    return mode_ != Mode::kSilent && !pipe.queue.empty() && pipe.queue.front().due <= now;
  }

  void accept_all() {
    while (listener_ >= 0) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      ++taken_;
      Connection one;
      one.client = client;
      if (mode_ != Mode::kHalfOpen) {
        one.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address = loopback(server_port_);
        if (::connect(one.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
          one.over = true;
        set_up(one.server);
        one.pipes[0] = {one.client, one.server, {}, 0, false};
        one.pipes[1] = {one.server, one.client, {}, 0, false};
      }
      set_up(client);
      connections_.push_back(std::move(one));
    }
  }

  void move(Connection& connection) {
    if (connection.over) return;
    if (connection.server < 0) return swallow(connection);
    for (std::size_t way = 0; way < 2 && !connection.over; ++way) {
      read_some(connection, way);
      write_some(connection, way);
    }
  }
  void read_some(Connection& connection, std::size_t way) {
    Pipe& pipe = connection.pipes[way];
    Line& line = lines_[way];
    for (Time now = Clock::now(); may_read(pipe, line, now); now = Clock::now()) {
      char buffer[kUnlimitedChunk];
      const std::size_t wanted = line.rate == 0 ? kUnlimitedChunk : kChunk;
      const ssize_t size = ::recv(pipe.from, buffer, wanted, 0);
      if (size < 0 && would_block()) return;
      if (size <= 0) {
        pipe.ended = true;
        // The other way may still have something to say only if this was an orderly end.
        if (size < 0 || pipe.queue.empty()) connection.over = true;
        return;
      }
      pipe.queue.push_back({line.take(static_cast<std::size_t>(size), now),
                            std::string(buffer, static_cast<std::size_t>(size))});
      pipe.queued += static_cast<std::size_t>(size);
    }
  }
  void write_some(Connection& connection, std::size_t way) {
    Pipe& pipe = connection.pipes[way];
    Line& line = lines_[way];
    while (!connection.over && may_write(pipe, Clock::now())) {
      Chunk& chunk = pipe.queue.front();
      const std::size_t size =
          std::min<std::uint64_t>(chunk.bytes.size() - chunk.sent, line.allowed());
      const ssize_t sent = ::send(pipe.to, chunk.bytes.data() + chunk.sent, size, MSG_NOSIGNAL);
      if (sent < 0 && would_block()) return;
      if (sent < 0) {
        connection.over = true;
        return;
      }
      chunk.sent += static_cast<std::size_t>(sent);
      line.passed += static_cast<std::uint64_t>(sent);
      pipe.queued -= static_cast<std::size_t>(sent);
      if (chunk.sent == chunk.bytes.size()) pipe.queue.pop_front();
      if (pipe.ended && pipe.queue.empty()) connection.over = true;
      if (line.cut_at && line.passed >= *line.cut_at) {
        line.cut_at.reset();
        connection.over = true;
      }
      if (line.silent_at && line.passed >= *line.silent_at) {
        line.silent_at.reset();
        mode_ = Mode::kSilent;
      }
    }
  }
  static void swallow(Connection& connection) {
    char buffer[kUnlimitedChunk];
    ssize_t size = 0;
    while ((size = ::recv(connection.client, buffer, sizeof buffer, 0)) > 0) continue;
    if (size == 0 || !would_block()) connection.over = true;
  }

  static void make_half_open(Connection& connection) {
    if (connection.server >= 0) ::close(std::exchange(connection.server, -1));
    for (auto& pipe : connection.pipes) pipe.queue.clear();
  }
  static void close(Connection& connection) {
    for (int* fd : {&connection.client, &connection.server})
      if (*fd >= 0) ::close(std::exchange(*fd, -1));
  }

  std::uint16_t server_port_;
  std::string listen_on_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_;
  std::mutex mutex_;  // all below
  bool stop_ = false;
  Mode mode_ = Mode::kPass;
  std::array<Line, 2> lines_;
  std::uint64_t taken_ = 0;
  std::list<Connection> connections_;
  std::thread thread_;
};

TcpProxy::TcpProxy(std::uint16_t server_port, const std::string& listen_on)
    : relay_(std::make_unique<Relay>(server_port, listen_on)) {}
TcpProxy::~TcpProxy() = default;

std::uint16_t TcpProxy::port() const {
  return relay_->port();
}
std::string TcpProxy::url(const std::string& scheme) const {
  return scheme + "://" + relay_->listens_on() + ":" + std::to_string(port());
}

void TcpProxy::set_delay(Way way, std::chrono::milliseconds delay) {
  relay_->change([&] { relay_->line(way).delay = delay; });
}
void TcpProxy::set_rate(Way way, std::uint64_t bytes_per_second) {
  relay_->change([&] { relay_->line(way).rate = bytes_per_second; });
}
void TcpProxy::set_delay(std::chrono::milliseconds each_way) {
  for (const Way way : {Way::kUp, Way::kDown}) set_delay(way, each_way);
}
void TcpProxy::set_rate(std::uint64_t bytes_per_second_each_way) {
  for (const Way way : {Way::kUp, Way::kDown}) set_rate(way, bytes_per_second_each_way);
}

void TcpProxy::cut_after(Way way, std::uint64_t bytes) {
  relay_->change([&] { relay_->line(way).cut_at = relay_->line(way).passed + bytes; });
}
void TcpProxy::silent_after(Way way, std::uint64_t bytes) {
  relay_->change([&] { relay_->line(way).silent_at = relay_->line(way).passed + bytes; });
}

void TcpProxy::cut() {
  relay_->change([&] { relay_->cut_all(); });
}
void TcpProxy::silent() {
  relay_->change([&] { relay_->set_mode(Mode::kSilent); });
}
void TcpProxy::half_open() {
  relay_->change([&] { relay_->set_mode(Mode::kHalfOpen); });
}
void TcpProxy::refuse() {
  relay_->change([&] { relay_->set_mode(Mode::kRefuse); });
}
void TcpProxy::resume() {
  relay_->change([&] { relay_->set_mode(Mode::kPass); });
}

std::uint64_t TcpProxy::passed(Way way) const {
  return relay_->look([&] { return relay_->line(way).passed; });
}
std::uint64_t TcpProxy::bytes() const {
  return passed(Way::kUp) + passed(Way::kDown);
}
std::uint64_t TcpProxy::connections() const {
  return relay_->look([&] { return relay_->taken(); });
}

}  // namespace sluice::test
