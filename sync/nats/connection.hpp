// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "sync/nats/login_settings.hpp"

struct __natsMsg;

namespace sluice::nats {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A received message. Move-only; views live as long as it does. One thread at a time.
class Message {
 public:
  explicit Message(__natsMsg* owned) : message_(owned) {}
  std::string_view subject() const;
  std::string_view reply() const;
  std::string_view payload() const;
  std::optional<std::string> header(const char* name) const;  // the first value; names are exact
  int status() const;  // of a reply without content, as 404 or 503; 0 if it has none

 private:
  struct Free {
    void operator()(__natsMsg* message) const;
  };
  std::unique_ptr<__natsMsg, Free> message_;
};

// Called on a thread of nats.c, one message of a subscription at a time: copy or move, post,
// return.
using MessageHandler = std::function<void(Message)>;

// Ends with the object: when the destructor has returned, the handler runs no more (unless it is
// the handler itself that destroys it). Must not outlive its Connection.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

struct ConnectionOptions {
  LoginSettings login;
  std::string name;              // shown by the server's monitoring
  std::string inbox_prefix;      // without dot, "_INBOX_plant-7"; a random one if empty
  std::size_t first_server = 0;  // index into login.urls to begin with
  std::chrono::milliseconds connect_timeout{10'000};  // per server; see connect()
  std::chrono::milliseconds ping_interval{120'000};   // two unanswered ones close the connection
  std::chrono::milliseconds write_deadline{30'000};
  // Certificates are checked at this time while the clock is before it (time_floor.hpp); 0: never.
  std::int64_t time_floor_ns = 0;
  // Both run on a thread of nats.c. on_closed: once, when an open connection ends for any reason
  // but the destructor. on_error: the connection goes on (a permission refused, a slow
  // subscription).
  std::function<void(core::Error)> on_closed;
  std::function<void(core::Error)> on_error;
};

struct ServerInfo {
  std::string url;  // without user and password
  std::string server_id;
  std::size_t max_payload = 0;
};

// One session with a server. It never reconnects and buffers nothing across sessions: when it is
// closed, destroy it and connect again. All methods may be called from any thread.
class Connection {
 public:
  // Tries each server of login.urls once, in order from first_server. Blocks at most
  // connect_timeout for each: nats.c 3.4.1 can hang for ever in a TLS handshake, so each attempt
  // runs on a thread of its own, which is left behind when it is late (see abandoned()).
  // kUnavailable: none answered; kUnauthorized: login refused, or a certificate that does not
  // verify; kConfig: a file cannot be read. The error is the last server's, with its URL.
  static core::Result<std::unique_ptr<Connection>> connect(const ConnectionOptions& options);
  // Attempts of this process that still hang. Above kAbandonedMax connect() refuses (kInternal):
  // the program should then exit and be started again.
  static std::size_t abandoned();
  static constexpr std::size_t kAbandonedMax = 4;

  ~Connection();  // closes; on_closed is not called, no handler runs any more

  // Copies into the send buffer, which is written at once or within 1 ms; no word about arrival.
  // Can block up to write_deadline. kTooLarge: above max_payload, headers included; kUnavailable:
  // closed.
  core::Result<void> publish(const std::string& subject, std::string_view payload,
                             const Headers& headers = {}, const std::string& reply = {});

  // Publishes and waits for one answer. kNotFound: nobody answers on that subject (no responders);
  // kUnavailable: no answer in time ("timeout" in the message), or closed.
  core::Result<Message> request(const std::string& subject, std::string_view payload,
                                std::chrono::milliseconds timeout, const Headers& headers = {});

  // Takes effect at the server with the next flush or request at the latest. Each subscription has
  // a thread of its own.
  core::Result<std::unique_ptr<Subscription>> subscribe(const std::string& subject,
                                                        MessageHandler handler);
  std::string new_inbox();  // "<inbox prefix>.<22 random characters>"

  // Returns when the server has taken all that was published before (a PING and its PONG).
  core::Result<void> flush(std::chrono::milliseconds timeout);

  bool is_open() const;
  const ServerInfo& server_info() const;  // as of connect

  // NATS protocol bytes of this session, without TLS and TCP overhead.
  struct Bytes {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };
  Bytes bytes() const;

 private:
  class Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::nats
