// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::rpc {

// A MessagePack-RPC connection to a Unix socket, for programs that run an io_context (the uplink).
// Everything, callbacks included, happens on the one thread that runs the io_context; no callback
// runs inside the call that caused it. Once closed it stays closed: make a new Client.
class Client {
 public:
  struct Options {
    std::filesystem::path socket;
    ValueLimits limits = {.bytes = 8u << 20};
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds request_timeout{30'000};  // then kUnavailable, and the client closes
    std::size_t in_flight_max = 4096;                   // requests without an answer
    std::size_t out_bytes_max = 8u << 20;               // not yet taken by the kernel
  };
  using Connected = std::function<void(core::Result<void>)>;
  // `result` and `params` are views: they die when the callback returns.
  using Answer = std::function<void(core::Result<Value> result)>;
  using Notification = std::function<void(std::string_view method, Value params)>;
  using Closed = std::function<void(core::Error why)>;

  Client(boost::asio::io_context& io, Options options);
  ~Client();  // as close(), but without any callback
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Set before connect().
  void on_notification(Notification handler);
  // Called once, after a connect() that worked: the peer went, broke the protocol, or was too slow.
  // Requests in flight are answered kUnavailable before it. Not called for close().
  void on_close(Closed handler);

  void connect(Connected done);  // once. kUnavailable: nobody listens there; kUnauthorized: refused
  bool is_open() const;

  // `params` is an encoded array (Packer). The answer is the result, the peer's error, kBusy (too
  // many in flight, nothing was sent) or kUnavailable (closed: whether it took effect is unknown).
  void request(std::string_view method, std::string params, Answer answer);
  // kBusy: out_bytes_max is reached, nothing was sent. kUnavailable: closed.
  core::Result<void> notify(std::string_view method, std::string params);
  std::size_t in_flight() const;

  // Requests in flight are answered kUnavailable, on_close is not called.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::rpc
