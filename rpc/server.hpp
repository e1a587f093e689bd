// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/logger.hpp"
#include "core/result.hpp"
#include "core/unix_socket.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::rpc {

// One client of a Server. Only on the thread that runs the io_context. Every request that a Service
// was handed is answered exactly once, by id; after the end of the connection, and for a peer that
// is gone, all calls do nothing.
class Session {
 public:
  virtual ~Session() = default;
  virtual const core::PeerCredentials& peer() const = 0;
  // `result` is an encoded value.
  virtual void answer(std::uint32_t id, core::Result<std::string> result) = 0;
  virtual void notify(std::string_view method, std::string_view params) = 0;
  // What was answered and notified, but not taken by the peer. A Service that notifies on its own
  // stops at `out_bytes_max` and goes on in on_room().
  virtual std::size_t out_bytes() const = 0;
  virtual bool has_room() const = 0;
  // While held, no further message of it is handed on, and so none is read.
  virtual void hold(bool held) = 0;
  virtual bool open() const = 0;
  virtual void close() = 0;
};

// What a program does with its clients' messages. All calls come on the io_context's thread; views
// die when the call returns. A Service outlives its Server.
class Service {
 public:
  virtual ~Service() = default;
  virtual void on_open(const std::shared_ptr<Session>&) {}
  virtual void on_request(const std::shared_ptr<Session>& session, std::uint32_t id,
                          std::string_view method, Value params) = 0;
  virtual void on_notification(const std::shared_ptr<Session>&, std::string_view, Value) {}
  virtual void on_room(const std::shared_ptr<Session>&) {}  // out_bytes() became small again
  virtual void on_close(const std::shared_ptr<Session>&) {}
};

struct ServerSettings {
  std::size_t connections_max = 64;      // more wait in the kernel's queue
  std::size_t in_flight_max = 256;       // unanswered requests of a session; then it is not read
  std::size_t out_bytes_max = 1u << 20;  // the same
  ValueLimits limits = {};               // of one message
  std::chrono::milliseconds stall_timeout{30'000};  // for the rest of a message; to take an answer
};

// MessagePack-RPC on Unix sockets. A peer that breaks the protocol is told (with the id of its
// request, if that came through) and closed; a request that is whole but wrong gets its error and
// the connection goes on.
class Server {
 public:
  Server(boost::asio::io_context& io, ServerSettings settings, Service& service,
         core::Logger& logger);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // `allowed`: the only uids that are served (SO_PEERCRED); empty: everyone whom the file's mode
  // lets in. Others get `unauthorized` on their first request and are closed. Errors as
  // core::UnixListener::open.
  core::Result<void> listen(const std::filesystem::path& path, unsigned mode,
                            std::vector<uid_t> allowed = {});

  // Takes no more connections or requests; when all that was taken is answered and written (or its
  // peer is gone), calls `done`.
  void drain(std::function<void()> done);
  std::size_t connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::rpc
