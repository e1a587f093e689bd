// SPDX-License-Identifier: Apache-2.0
#include "rpc/server.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <unordered_set>

#include "rpc/server_session.hpp"

namespace sluice::rpc {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kSweep{1000};       // how often stalled peers are looked for
constexpr milliseconds kAcceptPause{200};  // after accept() failed, for want of files mostly

}  // namespace

class Server::Impl : public ServerSession::Home, public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(asio::io_context& io, ServerSettings settings, Service& service, core::Logger& logger)
      : io_(io), settings_(settings), service_(service), logger_(logger), sweep_(io), pause_(io) {}

  core::Result<void> listen(const std::filesystem::path& path, unsigned mode,
                            std::vector<uid_t> allowed);
  void drain(std::function<void()> done);
  void stop();
  std::size_t connections() const { return sessions_.size(); }

  Service& service() override { return service_; }
  const ServerSettings& settings() const override { return settings_; }
  void ended(const std::shared_ptr<ServerSession>& session) override;

 private:
  struct Listener {
    core::UnixListener file;
    stream_protocol::acceptor acceptor;
    std::vector<uid_t> allowed;
    bool accepting = false;
  };
  void accept(Listener& listener);
  void accept_all();
  void admit(Listener& listener, stream_protocol::socket socket);
  void sweep();

  asio::io_context& io_;
  const ServerSettings settings_;
  Service& service_;
  core::Logger& logger_;
  asio::steady_timer sweep_;
  asio::steady_timer pause_;
  std::list<Listener> listeners_;
  std::unordered_set<std::shared_ptr<ServerSession>> sessions_;
  std::function<void()> drained_;
  bool sweeping_ = false;
  bool closed_ = false;
};

core::Result<void> Server::Impl::listen(const std::filesystem::path& path, unsigned mode,
                                        std::vector<uid_t> allowed) {
  auto file = core::UnixListener::open(path, mode);
  if (!file) return file.error();
  stream_protocol::acceptor acceptor(io_, stream_protocol(), file->release_fd());
  listeners_.push_back({std::move(*file), std::move(acceptor), std::move(allowed)});
  accept(listeners_.back());
  return {};
}

void Server::Impl::accept(Listener& listener) {
  if (closed_ || listener.accepting || sessions_.size() >= settings_.connections_max) return;
  listener.accepting = true;
  listener.acceptor.async_accept([self = shared_from_this(), &listener](
                                     const error_code& why, stream_protocol::socket socket) {
    if (self->closed_) return;
    listener.accepting = false;
    if (!why) {
      self->admit(listener, std::move(socket));
      return self->accept(listener);
    }
    self->logger_.warning("rpc", "cannot accept a connection", {{"error", why.message()}});
    self->pause_.expires_after(kAcceptPause);
    self->pause_.async_wait([self](const error_code& ended) {
      if (!ended) self->accept_all();
    });
  });
}

void Server::Impl::accept_all() {
  for (auto& listener : listeners_) accept(listener);
}

void Server::Impl::admit(Listener& listener, stream_protocol::socket socket) {
  const auto peer = core::peer_credentials(socket.native_handle());
  if (!peer) return;
  const bool refused = !listener.allowed.empty() &&
                       std::find(listener.allowed.begin(), listener.allowed.end(), peer->uid) ==
                           listener.allowed.end();
  if (refused)
    logger_.warning("rpc", "refused a peer",
                    {{"socket", listener.file.path().string()},
                     {"uid", std::to_string(peer->uid)},
                     {"pid", std::to_string(peer->pid)}});
  auto session = std::make_shared<ServerSession>(*this, *peer, refused);
  sessions_.insert(session);
  session->start(std::move(socket));
  sweep();
}

void Server::Impl::ended(const std::shared_ptr<ServerSession>& session) {
  sessions_.erase(session);
  if (closed_) {
    if (sessions_.empty() && drained_) std::exchange(drained_, {})();
    return;
  }
  accept_all();
}

// One timer for all sessions, and none while there is nobody to watch.
void Server::Impl::sweep() {
  if (sweeping_ || sessions_.empty()) return;
  sweeping_ = true;
  sweep_.expires_after(kSweep);
  sweep_.async_wait([weak = weak_from_this()](const error_code& why) {
    const auto self = weak.lock();
    if (why || self == nullptr) return;
    self->sweeping_ = false;
    const auto now = std::chrono::steady_clock::now();
    const auto sessions = self->sessions_;  // a session that ends leaves the set
    for (const auto& session : sessions) session->end_if_stalled(now);
    self->sweep();
  });
}

void Server::Impl::drain(std::function<void()> done) {
  closed_ = true;
  drained_ = std::move(done);
  listeners_.clear();
  pause_.cancel();
  const auto sessions = sessions_;
  for (const auto& session : sessions) session->drain();
  if (sessions_.empty() && drained_) std::exchange(drained_, {})();
}

void Server::Impl::stop() {
  closed_ = true;
  drained_ = {};
  listeners_.clear();
  pause_.cancel();
  sweep_.cancel();
  const auto sessions = std::exchange(sessions_, {});
  for (const auto& session : sessions) session->abandon();
}

Server::Server(asio::io_context& io, ServerSettings settings, Service& service,
               core::Logger& logger)
    : impl_(std::make_shared<Impl>(io, settings, service, logger)) {}

Server::~Server() {
  impl_->stop();
}

core::Result<void> Server::listen(const std::filesystem::path& path, unsigned mode,
                                  std::vector<uid_t> allowed) {
  return impl_->listen(path, mode, std::move(allowed));
}

void Server::drain(std::function<void()> done) {
  impl_->drain(std::move(done));
}
std::size_t Server::connections() const {
  return impl_->connections();
}

}  // namespace sluice::rpc
