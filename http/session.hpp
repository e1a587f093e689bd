// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>

#include "http/server.hpp"

namespace sluice::http {

class StreamWriter;

// What all sessions of a Server share. Internal to http.
struct Shared {
  ServerSettings settings;
  Router router;
  core::Logger& logger;
  std::uint64_t body_bytes = 0;  // held by requests in work
  std::uint64_t requests = 0;
  std::size_t streams = 0;  // open now
  bool draining = false;
};

// Who may ask over a listener.
struct Gatekeeper {
  bool is_tcp = false;
  bool check_host = false;
  std::string address;  // "127.0.0.1"
  Tokens tokens;
};

// One connection, as one coroutine: read a header, a body, ask the handler, write, again. Each
// phase has its own limit of time. Internal to http.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  using Stream = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
  using Socket = boost::asio::generic::stream_protocol::socket;

  struct Peer {
    std::string client;  // whose connections share: an address, an IPv6 network, a local user
    std::string name;    // in logs and deeds
  };

  HttpSession(Socket socket, std::shared_ptr<Shared> shared,
              std::shared_ptr<const Gatekeeper> gatekeeper, Peer peer);
  static boost::asio::awaitable<void> run(std::shared_ptr<HttpSession> self);
  void end_if_idle();  // the server drains: a stream ends as well
  void abort();
  const std::string& client() const { return peer_.client; }
  // Since when nothing can be done but wait for its client's next request, or for the rest of it;
  // nullopt while one is at work.
  using Instant = std::chrono::steady_clock::time_point;
  std::optional<Instant> waits_since() const { return waits_since_; }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Header = boost::beast::http::request_header<>;
  struct Slot;

  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<bool> read_body(Parser& parser);
  boost::asio::awaitable<bool> refuse(Parser& parser, Response response);
  boost::asio::awaitable<bool> write(Response response, const Header& to, bool keep);
  boost::asio::awaitable<bool> flow(Response response, const Header& to, bool keep);
  boost::asio::awaitable<void> bad_request(boost::system::error_code why);
  boost::asio::awaitable<void> linger();
  boost::asio::awaitable<Response> ask(const Handler& handler, Request request);
  std::shared_ptr<const std::atomic<bool>> watch_client();
  core::Result<Request> to_request(const Header& header) const;

  Stream stream_;
  boost::beast::flat_buffer buffer_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<const Gatekeeper> gatekeeper_;
  const Peer peer_;
  std::uint64_t reserved_ = 0;          // of Shared::body_bytes
  std::weak_ptr<StreamWriter> writer_;  // while an answer flows
  bool idle_ = false;
  std::optional<Instant> waits_since_;
};

}  // namespace sluice::http
