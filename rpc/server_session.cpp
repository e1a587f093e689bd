// SPDX-License-Identifier: Apache-2.0
#include "rpc/server_session.hpp"

#include <utility>

namespace sluice::rpc {

using core::Errc;
using core::fail;

ServerSession::ServerSession(Home& home, core::PeerCredentials peer, bool refused)
    : home_(home), peer_(peer), refused_(refused) {}

void ServerSession::start(Connection::Socket socket) {
  connection_ = std::make_shared<Connection>(std::move(socket), home_.settings().limits, *this);
  if (!refused_) home_.service().on_open(shared_from_this());
  if (connection_ != nullptr) connection_->start();
}

void ServerSession::on_frame(const Frame& frame) {
  if (refused_) {
    if (frame.kind == Frame::Kind::kRequest)
      send(encode_error(frame.id, fail(Errc::kUnauthorized, "uid " + std::to_string(peer_.uid) +
                                                                " may not use this socket")));
    return drain();
  }
  switch (frame.kind) {
    case Frame::Kind::kRequest:
      if (!in_work_.insert(frame.id).second)
        return send(encode_error(
            frame.id, fail(Errc::kBadRequest, "a request with this id is still in work", "id")));
      home_.service().on_request(shared_from_this(), frame.id, frame.method, frame.params);
      return regulate();
    case Frame::Kind::kNotification:
      return home_.service().on_notification(shared_from_this(), frame.method, frame.params);
    case Frame::Kind::kInvalid:
      if (frame.has_id) send(encode_error(frame.id, fail(Errc::kBadRequest, frame.problem)));
      return;
    case Frame::Kind::kResponse:
      return;  // we asked nothing
  }
}

void ServerSession::on_broken(const core::Error& why) {
  if (connection_ == nullptr) return;
  // Without the request's id the peer gets 0: it cannot go on anyway, and it should learn why.
  const auto id = connection_->broken_id();
  if (!refused_) send(encode_error(id.value_or(0), why));
  drain();
}

void ServerSession::answer(std::uint32_t id, core::Result<std::string> result) {
  if (in_work_.erase(id) == 0) return;
  send(result ? encode_result(id, *result) : encode_error(id, result.error()));
  if (draining_ && in_work_.empty() && connection_ != nullptr) connection_->close_when_written();
}

void ServerSession::notify(std::string_view method, std::string_view params) {
  send(encode_notification(method, params));
}

void ServerSession::send(std::string_view message) {
  if (connection_ == nullptr) return;
  connection_->send(message);
  regulate();
}

std::size_t ServerSession::out_bytes() const {
  return connection_ == nullptr ? 0 : connection_->out_bytes();
}

bool ServerSession::has_room() const {
  return out_bytes() < home_.settings().out_bytes_max;
}

void ServerSession::hold(bool held) {
  held_ = held;
  regulate();
}

// Back-pressure: what we do not read stays in the kernel's buffer, and then with the peer.
void ServerSession::regulate() {
  if (connection_ == nullptr || draining_) return;
  const bool full = held_ || in_work_.size() >= home_.settings().in_flight_max || !has_room();
  if (full) {
    connection_->pause();
  } else if (was_full_) {
    connection_->resume();
  }
  was_full_ = full;
}

void ServerSession::on_written() {
  regulate();
  if (!draining_ && out_bytes() < home_.settings().out_bytes_max / 2)
    home_.service().on_room(shared_from_this());
}

void ServerSession::drain() {
  if (draining_ || connection_ == nullptr) return;
  draining_ = true;
  connection_->stop_reading();
  if (in_work_.empty()) connection_->close_when_written();
}

void ServerSession::close() {
  if (connection_ == nullptr) return;
  connection_->close();
  on_closed(fail(Errc::kUnavailable, "closed"));
}

void ServerSession::on_closed(const core::Error&) {
  if (connection_ == nullptr) return;
  connection_ = nullptr;
  const auto self = shared_from_this();
  if (!refused_) home_.service().on_close(self);
  home_.ended(self);
}

void ServerSession::abandon() {
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->close();
}

void ServerSession::end_if_stalled(Connection::Time now) {
  if (connection_ == nullptr) return;
  const auto since = connection_->waiting_since();
  if (since != Connection::Time::max() && now - since > home_.settings().stall_timeout) close();
}

}  // namespace sluice::rpc
