// SPDX-License-Identifier: Apache-2.0
#include "http/stream_writer.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>

namespace sluice::http {
namespace {

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kBeat = ": beat\n\n";

}  // namespace

asio::awaitable<bool> StreamWriter::run(std::shared_ptr<StreamWriter> self) {
  self->stream_->attach([weak = self->weak_from_this(), executor = self->socket_.get_executor()] {
    asio::post(executor, [weak] {
      const auto writer = weak.lock();
      if (writer == nullptr) return;
      writer->awake_ = true;
      writer->news_.cancel();
    });
  });
  self->watch_client();
  while (!self->gone_) {
    bool is_last = false;
    const std::string piece = self->stream_->take(is_last);
    if (!piece.empty()) {
      const bool written = co_await self->write(piece);
      if (!written) co_return false;
      continue;
    }
    if (is_last) {
      if (!self->chunked_) co_return false;
      self->socket_.expires_after(self->settings_.write_timeout);
      const auto last = bhttp::make_chunk_last();
      const auto [why, size] = co_await asio::async_write(self->socket_, last, kTuple);
      co_return !why && !self->gone_;
    }
    bool silent = false;
    if (!self->awake_) {
      self->news_.expires_after(self->settings_.stream_beat);
      const auto [why] = co_await self->news_.async_wait(kTuple);
      silent = !why;
    }
    self->awake_ = false;
    if (!silent) continue;
    const bool written = co_await self->write(kBeat);
    if (!written) co_return false;
  }
  co_return false;
}

asio::awaitable<bool> StreamWriter::write(std::string_view piece) {
  // A client that reads nothing for this long is gone.
  socket_.expires_after(settings_.write_timeout);
  const asio::const_buffer bytes(piece.data(), piece.size());
  error_code failed;
  if (chunked_) {
    const auto chunk = bhttp::make_chunk(bytes);
    const auto [why, size] = co_await asio::async_write(socket_, chunk, kTuple);
    failed = why;
  } else {
    const auto [why, size] = co_await asio::async_write(socket_, bytes, kTuple);
    failed = why;
  }
  socket_.expires_never();
  co_return !failed;
}

// A client says nothing while it listens: when its socket becomes readable, it has gone, or it has
// sent the next request, which waits.
void StreamWriter::watch_client() {
  socket_.socket().async_wait(
      HttpSession::Socket::wait_read, [weak = weak_from_this()](const error_code& why) {
        const auto self = weak.lock();
        if (self == nullptr || why) return;
        char byte = 0;
        const auto size =
            ::recv(self->socket_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (size > 0) return;
        self->gone_ = true;
        self->awake_ = true;
        self->news_.cancel();
      });
}

}  // namespace sluice::http
