// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/config_reader.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "http/message.hpp"
#include "http/router.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::http {

struct ServerSettings {
  // Of all listeners; more wait in the kernel's queue. While one waits there, the client that keeps
  // the most connections without a whole request loses the oldest of these, unless it is its last.
  std::int64_t connections_max = 64;
  std::uint64_t header_bytes_max = 8 * 1024;
  std::uint64_t body_bytes_max = 4u << 20;          // one request
  std::uint64_t body_bytes_total_max = 16u << 20;   // held by all requests; then 503
  std::chrono::milliseconds header_timeout{5'000};  // from the first byte to the header's end
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds answer_timeout{60'000};  // the handler's; then 503
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds idle_timeout{30'000};  // between requests of one connection
  std::int64_t streams_max = 32;                   // answers that go on; then 503
  std::chrono::milliseconds stream_beat{15'000};   // a comment on a stream that is silent
  std::vector<std::string> hosts =
      {};  // allowed in Host beside localhost and the listener's address
};

// The keys http_connections_max, http_body_bytes_max, http_timeout ... of the current section.
void visit(ServerSettings& settings, core::SettingsVisitor& visitor);

// Bearer tokens, one per line of a file (blank lines and # comments skipped), each at least 16
// characters. Compared in constant time; kept as hashes.
class Tokens {
 public:
  Tokens() = default;                                         // none: no token is asked for
  static core::Result<Tokens> load(const std::string& file);  // kConfig
  bool empty() const { return hashes_.empty(); }
  bool accepts(std::string_view token) const;

 private:
  std::vector<std::string> hashes_;
};

// "127.0.0.1:8080", "[::1]:8080", "0.0.0.0:8080"; names are not looked up but for "localhost".
struct TcpAddress {
  std::string ip;
  std::uint16_t port = 0;
  bool loopback = false;
  static core::Result<TcpAddress> parse(std::string_view text);  // kConfig
  std::string text() const;
};

// An HTTP/1.1 server: several listeners, one router. Runs on the one thread that runs `io`;
// handlers may answer from any thread. Requests of one connection are answered in turn.
//
// A request that breaks HTTP's rules (both Transfer-Encoding and Content-Length, a bad length, an
// over-long header) gets 400 or 431 and the connection closes; one that breaks only ours gets its
// error, and the connection stays. Over TCP on loopback the Host header must name localhost, the
// address or one of `hosts` (DNS rebinding); where tokens are set, TCP requests without one get
// 401.
class Server {
 public:
  Server(boost::asio::io_context& io, ServerSettings settings, Router router, core::Logger& logger);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // A stale socket file is removed; one that answers means kBusy. `mode` as in chmod, e.g. 0660.
  core::Result<void> listen_unix(const std::filesystem::path& path, unsigned mode);
  // Port 0 takes a free one. The real address comes back. kConfig: not loopback and no tokens;
  // kBusy: in use; kIo. Without tokens on loopback anyone on the machine may ask.
  core::Result<TcpAddress> listen_tcp(const TcpAddress& address, Tokens tokens = {});

  // Takes no new connection or request, ends the idle ones and the streams, lets requests in work
  // be answered, then calls `done`.
  void drain(std::function<void()> done);
  std::size_t connections() const;
  std::uint64_t requests() const;
  std::size_t streams() const;  // open now

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::http
