// SPDX-License-Identifier: Apache-2.0
#include "rpc/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <unordered_map>

#include "core/assert.hpp"
#include "core/unix_socket.hpp"
#include "rpc/connection.hpp"

namespace sluice::rpc {
namespace {

namespace asio = boost::asio;
using core::Errc;
using core::fail;
using Clock = std::chrono::steady_clock;

}  // namespace

class Client::Impl : public Connection::Owner, public std::enable_shared_from_this<Client::Impl> {
 public:
  Impl(asio::io_context& io, Options options) : io_(io), options_(std::move(options)), timer_(io) {}

  void connect(Connected done);
  void request(std::string_view method, std::string params, Answer answer);
  core::Result<void> notify(std::string_view method, std::string_view params);
  void shut(const core::Error& why, bool answer_all);
  bool is_open() const { return connection_ != nullptr; }
  std::size_t in_flight() const { return answers_.size(); }
  asio::io_context& io() { return io_; }

  void on_frame(const Frame& frame) override;
  void on_end() override { lose(fail(Errc::kUnavailable, "the peer closed the connection")); }
  void on_broken(const core::Error& why) override { lose(why); }
  void on_closed(const core::Error& why) override { lose(why); }
  void on_written() override {}

  Notification notification;
  Closed closed;
  bool abandoned = false;  // the Client is gone: no callback any more

 private:
  void lose(core::Error why);
  void watch();

  asio::io_context& io_;
  Options options_;
  asio::steady_timer timer_;
  std::shared_ptr<Connection> connection_;
  std::uint32_t next_id_ = 1;
  std::unordered_map<std::uint32_t, Answer> answers_;
  std::deque<std::pair<Clock::time_point, std::uint32_t>> deadlines_;  // ascending
  bool watching_ = false;
};

void Client::Impl::connect(Connected done) {
  SLUICE_ASSERT(connection_ == nullptr);
  const auto fd = core::connect_unix(options_.socket, options_.connect_timeout);
  core::Result<void> result;
  if (fd) {
    Connection::Socket socket(io_, asio::local::stream_protocol(), *fd);
    connection_ = std::make_shared<Connection>(std::move(socket), options_.limits, *this);
  } else {
    result = fd.error();
  }
  asio::post(io_, [self = shared_from_this(), result, done = std::move(done)] {
    if (self->connection_ != nullptr) self->connection_->start();
    if (!self->abandoned && done) done(result);
  });
}

void Client::Impl::request(std::string_view method, std::string params, Answer answer) {
  core::Error refused;
  if (connection_ == nullptr) {
    refused = fail(Errc::kUnavailable, "the connection is closed");
  } else if (answers_.size() >= options_.in_flight_max ||
             connection_->out_bytes() > options_.out_bytes_max) {
    refused = fail(Errc::kBusy, "too many requests wait for an answer");
  } else {
    while (answers_.contains(next_id_)) ++next_id_;
    const std::uint32_t id = next_id_++;
    answers_.emplace(id, std::move(answer));
    deadlines_.emplace_back(Clock::now() + options_.request_timeout, id);
    connection_->send(encode_request(id, method, params));
    return watch();
  }
  asio::post(io_, [self = shared_from_this(), refused, answer = std::move(answer)] {
    if (!self->abandoned) answer(refused);
  });
}

core::Result<void> Client::Impl::notify(std::string_view method, std::string_view params) {
  if (connection_ == nullptr) return fail(Errc::kUnavailable, "the connection is closed");
  if (connection_->out_bytes() > options_.out_bytes_max)
    return fail(Errc::kBusy, "the peer does not take what is sent");
  connection_->send(encode_notification(method, params));
  return {};
}

void Client::Impl::on_frame(const Frame& frame) {
  if (frame.kind == Frame::Kind::kNotification) {
    if (notification) notification(frame.method, frame.params);
    return;
  }
  if (frame.kind != Frame::Kind::kResponse)
    return lose(fail(Errc::kBadRequest, "the peer sent a message that is no answer"));
  const auto found = answers_.find(frame.id);
  if (found == answers_.end()) return;  // of a request that is answered already
  const Answer answer = std::move(found->second);
  answers_.erase(found);
  if (frame.error.is_nil()) {
    answer(frame.result);
  } else {
    answer(decode_error(frame.error));
  }
}

// One timer for all: the first deadline is the earliest, as all requests have the same time.
void Client::Impl::watch() {
  while (!deadlines_.empty() && !answers_.contains(deadlines_.front().second))
    deadlines_.pop_front();
  if (watching_ || deadlines_.empty()) return;
  watching_ = true;
  timer_.expires_at(deadlines_.front().first);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& why) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->watching_ = false;
    if (why || self->connection_ == nullptr || self->deadlines_.empty()) return;
    const auto [deadline, id] = self->deadlines_.front();
    if (self->answers_.contains(id) && deadline <= Clock::now())
      return self->lose(fail(Errc::kUnavailable, "the peer did not answer in time"));
    self->watch();
  });
}

void Client::Impl::lose(core::Error why) {
  const bool was_open = connection_ != nullptr;
  const auto self = shared_from_this();  // a callback may destroy the Client
  shut(why, true);
  if (was_open && closed) std::exchange(closed, {})(why);
}

void Client::Impl::shut(const core::Error& why, bool answer_all) {
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->close();
  timer_.cancel();
  deadlines_.clear();
  const auto answers = std::exchange(answers_, {});
  if (!answer_all) return;
  const core::Error lost = fail(Errc::kUnavailable, why.message);
  for (const auto& [id, answer] : answers) answer(lost);
}

Client::Client(asio::io_context& io, Options options)
    : impl_(std::make_shared<Impl>(io, std::move(options))) {}

Client::~Client() {
  impl_->abandoned = true;
  impl_->closed = {};
  impl_->shut({}, false);
}

void Client::on_notification(Notification handler) {
  impl_->notification = std::move(handler);
}
void Client::on_close(Closed handler) {
  impl_->closed = std::move(handler);
}
void Client::connect(Connected done) {
  impl_->connect(std::move(done));
}
bool Client::is_open() const {
  return impl_->is_open();
}
std::size_t Client::in_flight() const {
  return impl_->in_flight();
}

void Client::request(std::string_view method, std::string params, Answer answer) {
  impl_->request(method, std::move(params), std::move(answer));
}

core::Result<void> Client::notify(std::string_view method, std::string params) {
  return impl_->notify(method, params);
}

void Client::close() {
  impl_->closed = {};
  asio::post(impl_->io(), [impl = impl_] {
    impl->shut({.message = "the connection was closed"}, !impl->abandoned);
  });
}

}  // namespace sluice::rpc
