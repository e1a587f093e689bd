// SPDX-License-Identifier: Apache-2.0
#include "rpc/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace sluice::rpc {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 16 * 1024;

core::Error gone(const error_code& why) {
  return core::fail(core::Errc::kUnavailable, "the connection was lost: " + why.message());
}

}  // namespace

Connection::Connection(Socket socket, const ValueLimits& limits, Owner& owner)
    : socket_(std::move(socket)), parser_(limits), owner_(&owner) {}

void Connection::start() {
  read();
}

void Connection::read() {
  if (reading_ || paused_ || ended_ || owner_ == nullptr) return;
  reading_ = true;
  const auto room = parser_.prepare(kReadBytes);
  socket_.async_read_some(asio::buffer(room.data(), room.size()),
                          [self = shared_from_this()](const error_code& why, std::size_t size) {
                            self->reading_ = false;
                            if (self->owner_ == nullptr) return;
                            if (why == asio::error::eof) {
                              self->ended_ = true;
                              return self->owner_->on_end();
                            }
                            if (why) return self->fail(gone(why));
                            self->parser_.commit(size);
                            self->dispatch();
                          });
}

void Connection::dispatch() {
  dispatching_ = true;
  while (owner_ != nullptr && !paused_ && !ended_) {
    const auto frame = parser_.next();
    if (!frame) {
      ended_ = true;
      owner_->on_broken(frame.error());
      break;
    }
    if (!*frame) break;
    owner_->on_frame(**frame);
  }
  dispatching_ = false;
  if (!parser_.partial()) {
    partial_since_ = Time::max();
  } else if (partial_since_ == Time::max()) {
    partial_since_ = Clock::now();
  }
  read();
}

void Connection::resume() {
  if (!paused_) return;
  paused_ = false;
  partial_since_ = Time::max();  // the time that we did not read is not the peer's
  if (dispatching_ || reading_) return;
  // Messages that were read before the pause come first, but not inside this call.
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (!self->reading_ && !self->dispatching_) self->dispatch();
  });
}

Connection::Time Connection::waiting_since() const {
  return std::min(paused_ ? Time::max() : partial_since_, write_since_);
}

void Connection::send(std::string_view message) {
  if (owner_ == nullptr) return;
  out_ += message;
  schedule();
}

// Answers of one commit come one by one; writing after the handler makes one write(2) of them.
void Connection::schedule() {
  if (scheduled_ || !writing_.empty()) return;
  scheduled_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->scheduled_ = false;
    self->write();
  });
}

void Connection::write() {
  if (owner_ == nullptr || !writing_.empty()) return;
  if (out_.empty()) {
    if (closing_) fail(core::fail(core::Errc::kUnavailable, "closed"));
    return;
  }
  std::swap(out_, writing_);
  write_since_ = Clock::now();
  asio::async_write(socket_, asio::buffer(writing_),
                    [self = shared_from_this()](const error_code& why, std::size_t) {
                      self->write_since_ = Time::max();
                      self->writing_.clear();
                      if (self->writing_.capacity() > 4 * kReadBytes)
                        self->writing_.shrink_to_fit();
                      if (self->owner_ == nullptr) return;
                      if (why) return self->fail(gone(why));
                      self->write();
                      if (self->owner_ != nullptr) self->owner_->on_written();
                    });
}

void Connection::close_when_written() {
  ended_ = true;
  closing_ = true;
  schedule();
}

void Connection::close() {
  owner_ = nullptr;
  ended_ = true;
  error_code ignored;
  socket_.close(ignored);
}

void Connection::fail(const core::Error& why) {
  Owner* owner = std::exchange(owner_, nullptr);
  close();
  if (owner != nullptr) owner->on_closed(why);
}

}  // namespace sluice::rpc
