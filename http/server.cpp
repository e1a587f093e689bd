// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>
#include <unordered_set>

#include "core/unix_socket.hpp"
#include "http/session.hpp"

namespace sluice::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using core::Errc;
using core::fail;

constexpr std::chrono::milliseconds kAcceptPause{200};  // for want of files, or of places
constexpr std::chrono::seconds kTellAgain{60};

// Of IPv6 a client has a whole network of 64 bits.
std::string client_of(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  if (!address.to_v6().is_v4_mapped()) std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

HttpSession::Peer peer_of(HttpSession::Socket& socket, bool is_tcp) {
  if (!is_tcp) {
    const auto peer = core::peer_credentials(socket.native_handle());
    if (!peer) return {"unix", "unix"};
    const std::string client = "unix uid=" + std::to_string(peer->uid);
    return {client, client + " pid=" + std::to_string(peer->pid)};
  }
  error_code why;
  const auto generic = socket.remote_endpoint(why);
  asio::ip::tcp::endpoint endpoint;
  if (why || generic.size() > endpoint.capacity()) return {"tcp", "tcp"};
  std::memcpy(endpoint.data(), generic.data(), generic.size());
  return {client_of(endpoint.address()),
          endpoint.address().to_string() + ":" + std::to_string(endpoint.port())};
}

// The one to close where all places are taken and somebody waits outside: of the client that keeps
// the most connections waiting for it, the oldest; null while nobody keeps more than one.
std::shared_ptr<HttpSession> one_too_many(
    const std::unordered_set<std::shared_ptr<HttpSession>>& sessions) {
  struct Share {
    std::size_t waiting = 0;
    std::shared_ptr<HttpSession> oldest;
  };
  std::map<std::string_view, Share> clients;
  for (const auto& session : sessions) {
    if (!session->waits_since()) continue;
    Share& share = clients[session->client()];
    share.waiting += 1;
    if (share.oldest == nullptr || session->waits_since() < share.oldest->waits_since())
      share.oldest = session;
  }
  const auto most = std::max_element(
      clients.begin(), clients.end(),
      [](const auto& a, const auto& b) { return a.second.waiting < b.second.waiting; });
  return most == clients.end() || most->second.waiting < 2 ? nullptr : most->second.oldest;
}

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(asio::io_context& io, ServerSettings settings, Router router, core::Logger& logger)
      : io_(io), shared_(new Shared{std::move(settings), std::move(router), logger}), pause_(io) {}

  core::Result<void> listen_unix(const std::filesystem::path& path, unsigned mode);
  core::Result<TcpAddress> listen_tcp(const TcpAddress& address, Tokens tokens);
  void drain(std::function<void()> done);
  void stop();
  std::size_t connections() const { return sessions_.size(); }
  std::uint64_t requests() const { return shared_->requests; }
  std::size_t streams() const { return shared_->streams; }

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
  struct Listener {
    std::optional<core::UnixListener> file;
    Acceptor acceptor;
    std::shared_ptr<const Gatekeeper> gatekeeper;
    bool accepting = false;
  };
  bool full() const {
    return sessions_.size() >= static_cast<std::size_t>(shared_->settings.connections_max);
  }
  void accept(Listener& listener);
  void wait_outside(Listener& listener);
  void make_room();
  void accept_later();
  void accept_all();
  void admit(const Listener& listener, HttpSession::Socket socket);
  void ended(const std::shared_ptr<HttpSession>& session);

  asio::io_context& io_;
  std::shared_ptr<Shared> shared_;
  asio::steady_timer pause_;
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now() - 2 * kTellAgain;
  std::list<Listener> listeners_;
  std::unordered_set<std::shared_ptr<HttpSession>> sessions_;
  std::function<void()> drained_;
};

core::Result<void> Server::Impl::listen_unix(const std::filesystem::path& path, unsigned mode) {
  auto file = core::UnixListener::open(path, mode);
  if (!file) return file.error();
  Acceptor acceptor(io_, asio::local::stream_protocol(), file->release_fd());
  listeners_.push_back(
      {std::move(*file), std::move(acceptor), std::make_shared<const Gatekeeper>()});
  accept(listeners_.back());
  return {};
}

core::Result<TcpAddress> Server::Impl::listen_tcp(const TcpAddress& address, Tokens tokens) {
  if (!address.loopback && tokens.empty())
    return fail(Errc::kConfig, address.text() + " is not loopback: that needs a token file");
  error_code why;
  const auto ip = asio::ip::make_address(address.ip, why);
  if (why) return fail(Errc::kConfig, "'" + address.ip + "' is not an IP address");
  const asio::ip::tcp::endpoint endpoint(ip, address.port);
  asio::ip::tcp::acceptor acceptor(io_);
  acceptor.open(endpoint.protocol(), why);
  if (!why) acceptor.set_option(asio::socket_base::reuse_address(true), why);
  if (!why) acceptor.bind(endpoint, why);
  if (!why) acceptor.listen(asio::socket_base::max_listen_connections, why);
  if (why)
    return fail(why == asio::error::address_in_use ? Errc::kBusy : Errc::kIo,
                "cannot listen on " + address.text() + ": " + why.message());
  TcpAddress bound = address;
  bound.port = acceptor.local_endpoint().port();
  Gatekeeper gatekeeper{true, address.loopback, address.ip, std::move(tokens)};
  Acceptor generic(io_, endpoint.protocol(), acceptor.release(why));
  listeners_.push_back({std::nullopt, std::move(generic),
                        std::make_shared<const Gatekeeper>(std::move(gatekeeper))});
  accept(listeners_.back());
  return bound;
}

void Server::Impl::accept(Listener& listener) {
  if (shared_->draining || listener.accepting) return;
  if (full()) return wait_outside(listener);
  listener.accepting = true;
  listener.acceptor.async_accept([self = shared_from_this(), &listener](
                                     const error_code& why, HttpSession::Socket socket) {
    if (self->shared_->draining) return;
    listener.accepting = false;
    if (!why) {
      self->admit(listener, std::move(socket));
      return self->accept(listener);
    }
    self->shared_->logger.warning("http", "cannot accept a connection", {{"error", why.message()}});
    self->accept_later();
  });
}

void Server::Impl::accept_later() {
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([self = shared_from_this()](const error_code& ended) {
    if (!ended) self->accept_all();
  });
}

// All places are taken: until somebody knocks, nobody has to go.
void Server::Impl::wait_outside(Listener& listener) {
  listener.accepting = true;
  listener.acceptor.async_wait(Acceptor::wait_read,
                               [self = shared_from_this(), &listener](const error_code& why) {
                                 if (self->shared_->draining) return;
                                 listener.accepting = false;
                                 if (!why && !self->full()) return self->accept(listener);
                                 if (!why) self->make_room();
                                 self->accept_later();
                               });
}

// One that goes is heard of by ended().
void Server::Impl::make_room() {
  const auto session = one_too_many(sessions_);
  if (session == nullptr) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ > kTellAgain) {
    shared_->logger.warning(
        "http", "all connections are taken: closes one that waits for its client",
        {{"client", session->client()},
         {"http_connections_max", std::to_string(shared_->settings.connections_max)}});
    told_ = now;
  }
  session->abort();
}

void Server::Impl::accept_all() {
  for (auto& listener : listeners_) accept(listener);
}

void Server::Impl::admit(const Listener& listener, HttpSession::Socket socket) {
  error_code ignored;
  const bool is_tcp = listener.gatekeeper->is_tcp;
  if (is_tcp) socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto peer = peer_of(socket, is_tcp);
  const auto session = std::make_shared<HttpSession>(std::move(socket), shared_,
                                                     listener.gatekeeper, std::move(peer));
  sessions_.insert(session);
  asio::co_spawn(io_, HttpSession::run(session),
                 [weak = weak_from_this(), session](const std::exception_ptr& thrown) {
                   const auto self = weak.lock();
                   if (self == nullptr) return;
                   if (thrown)
                     self->shared_->logger.error("http", "a session ended by an exception");
                   self->ended(session);
                 });
}

void Server::Impl::ended(const std::shared_ptr<HttpSession>& session) {
  sessions_.erase(session);
  if (!shared_->draining) return accept_all();
  if (sessions_.empty() && drained_) std::exchange(drained_, {})();
}

void Server::Impl::drain(std::function<void()> done) {
  shared_->draining = true;
  drained_ = std::move(done);
  listeners_.clear();
  pause_.cancel();
  for (const auto& session : sessions_) session->end_if_idle();
  if (sessions_.empty() && drained_) std::exchange(drained_, {})();
}

void Server::Impl::stop() {
  shared_->draining = true;
  drained_ = {};
  listeners_.clear();
  pause_.cancel();
  for (const auto& session : sessions_) session->abort();
  sessions_.clear();
}

Server::Server(asio::io_context& io, ServerSettings settings, Router router, core::Logger& logger)
    : impl_(std::make_shared<Impl>(io, std::move(settings), std::move(router), logger)) {}

Server::~Server() {
  impl_->stop();
}

core::Result<void> Server::listen_unix(const std::filesystem::path& path, unsigned mode) {
  return impl_->listen_unix(path, mode);
}

core::Result<TcpAddress> Server::listen_tcp(const TcpAddress& address, Tokens tokens) {
  return impl_->listen_tcp(address, std::move(tokens));
}

void Server::drain(std::function<void()> done) {
  impl_->drain(std::move(done));
}
std::size_t Server::connections() const {
  return impl_->connections();
}
std::uint64_t Server::requests() const {
  return impl_->requests();
}
std::size_t Server::streams() const {
  return impl_->streams();
}

}  // namespace sluice::http
