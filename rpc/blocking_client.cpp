// SPDX-License-Identifier: Apache-2.0
#include "rpc/blocking_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/unix_socket.hpp"

namespace sluice::rpc {
namespace {

using core::Errc;
using core::fail;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 64 * 1024;

// The events that came, 0 when the time is over.
short wait_for(int fd, short events, milliseconds wait) {
  const auto end = Clock::now() + wait;
  for (;;) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
    const int count = ::poll(&entry, 1, static_cast<int>(left < 0 ? 0 : left));
    if (count > 0) return entry.revents;
    if (count == 0) return 0;
    if (errno != EINTR) return POLLERR;
  }
}

}  // namespace

core::Result<BlockingClient> BlockingClient::connect(const std::filesystem::path& socket) {
  return connect(socket, Options{});
}

core::Result<BlockingClient> BlockingClient::connect(const std::filesystem::path& socket,
                                                     Options options) {
  const auto fd = core::connect_unix(socket, options.timeout);
  if (!fd) return fd.error();
  ::fcntl(*fd, F_SETFL, O_NONBLOCK);
  return BlockingClient(*fd, options);
}

BlockingClient::BlockingClient(int fd, Options options)
    : fd_(fd), options_(options), parser_(options.limits) {}

BlockingClient::BlockingClient(BlockingClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      options_(other.options_),
      parser_(std::move(other.parser_)),
      incoming_(std::move(other.incoming_)),
      next_id_(other.next_id_) {}

BlockingClient& BlockingClient::operator=(BlockingClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(options_, other.options_);
  std::swap(parser_, other.parser_);
  std::swap(incoming_, other.incoming_);
  std::swap(next_id_, other.next_id_);
  return *this;
}

BlockingClient::~BlockingClient() {
  if (fd_ >= 0) ::close(fd_);
}

core::Error BlockingClient::broken(core::Error error) {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  return error;
}

core::Result<void> BlockingClient::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    if (fd_ < 0) return fail(Errc::kUnavailable, "the connection is closed");
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) {
      const core::Error error =
          fail(Errc::kUnavailable, std::string("cannot send: ") + std::strerror(errno));
      // The peer may have said why before it closed: what it sent is still there to be read.
      for (auto more = read_some(milliseconds(0)); more && *more;)
        more = read_some(milliseconds(0));
      return broken(error);
    }
    const short events = wait_for(fd_, POLLIN | POLLOUT, options_.timeout);
    if (events == 0) return broken(fail(Errc::kUnavailable, "the peer takes nothing"));
    if ((events & POLLIN) != 0) SLUICE_TRY(read_some(milliseconds(0)));
  }
  return {};
}

core::Result<bool> BlockingClient::read_some(milliseconds wait) {
  if (fd_ < 0) return fail(Errc::kUnavailable, "the connection is closed");
  if (wait_for(fd_, POLLIN, wait) == 0) return false;
  const auto room = parser_.prepare(kReadBytes);
  const auto size = ::recv(fd_, room.data(), room.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size < 0)
    return broken(fail(Errc::kUnavailable, std::string("cannot receive: ") + std::strerror(errno)));
  if (size == 0) return broken(fail(Errc::kUnavailable, "the peer closed the connection"));
  parser_.commit(static_cast<std::size_t>(size));
  return take_frames();
}

core::Result<bool> BlockingClient::take_frames() {
  for (;;) {
    const auto frame = parser_.next();
    if (!frame) return broken(frame.error());
    if (!*frame) return true;
    Incoming incoming;
    if ((*frame)->kind == Frame::Kind::kNotification) {
      incoming.method = (*frame)->method;
      incoming.body = std::string((*frame)->params.encoded());
    } else if ((*frame)->kind == Frame::Kind::kResponse) {
      incoming.id = (*frame)->id;
      if ((*frame)->error.is_nil()) {
        incoming.body = std::string((*frame)->result.encoded());
      } else {
        incoming.body = decode_error((*frame)->error);
      }
    } else {
      return broken(fail(Errc::kBadRequest, "the peer sent a message that is no answer"));
    }
    incoming_.push_back(std::move(incoming));
  }
}

core::Result<std::uint32_t> BlockingClient::send(std::string_view method, std::string_view params) {
  const std::uint32_t id = next_id_++;
  SLUICE_TRY(write_all(encode_request(id, method, params)));
  return id;
}

core::Result<void> BlockingClient::notify(std::string_view method, std::string_view params) {
  return write_all(encode_notification(method, params));
}

core::Result<std::string> BlockingClient::call(std::string_view method, std::string_view params) {
  const auto id = send(method, params);
  if (!id) return id.error();
  std::size_t looked_at = 0;
  for (const auto end = Clock::now() + options_.timeout;;) {
    for (; looked_at < incoming_.size(); ++looked_at) {
      if (incoming_[looked_at].is_notification() || incoming_[looked_at].id != *id) continue;
      auto body = std::move(incoming_[looked_at].body);
      incoming_.erase(incoming_.begin() + static_cast<std::ptrdiff_t>(looked_at));
      return body;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (left.count() <= 0)
      return broken(fail(Errc::kUnavailable, "the peer did not answer in time"));
    SLUICE_TRY(read_some(left));
  }
}

core::Result<BlockingClient::Incoming> BlockingClient::receive() {
  auto incoming = receive_for(options_.timeout);
  if (!incoming) return incoming.error();
  if (!*incoming) return broken(fail(Errc::kUnavailable, "the peer did not answer in time"));
  return std::move(**incoming);
}

core::Result<std::optional<BlockingClient::Incoming>> BlockingClient::receive_for(
    milliseconds wait) {
  for (const auto end = Clock::now() + wait; incoming_.empty();) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    const auto read = read_some(std::max(left, milliseconds(0)));
    if (!read && incoming_.empty()) return read.error();
    if (incoming_.empty() && left.count() <= 0) return std::optional<Incoming>();
  }
  std::optional<Incoming> first(std::move(incoming_.front()));
  incoming_.pop_front();
  return first;
}

}  // namespace sluice::rpc
