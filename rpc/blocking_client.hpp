// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "rpc/frame_parser.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::rpc {

// A MessagePack-RPC connection to a Unix socket for programs that simply wait (the CLI, tests).
// One thread. After kUnavailable or kBadRequest from the connection itself it is closed.
class BlockingClient {
 public:
  struct Options {
    ValueLimits limits = {.bytes = 8u << 20};
    std::chrono::milliseconds timeout{10'000};  // of connect, and of each wait for progress
  };
  // What came in: an answer (method empty) or a notification (id 0). `body` owns the encoded result
  // or params.
  struct Incoming {
    std::uint32_t id = 0;
    std::string method;
    core::Result<std::string> body = std::string();
    bool is_notification() const { return !method.empty(); }
  };

  // kUnavailable: nobody listens there.
  static core::Result<BlockingClient> connect(const std::filesystem::path& socket, Options options);
  static core::Result<BlockingClient> connect(const std::filesystem::path& socket);
  BlockingClient(BlockingClient&& other) noexcept;
  BlockingClient& operator=(BlockingClient&& other) noexcept;
  ~BlockingClient();

  // One request and its answer (the encoded result). Other messages are kept for receive().
  core::Result<std::string> call(std::string_view method, std::string_view params);

  // Pipelining: send() gives the request's id; it also reads what comes in while the socket is
  // full, so that neither end can block the other for ever. receive() gives messages in the order
  // in which they came. Keep a bounded number in flight (the server takes 256 and then waits).
  core::Result<std::uint32_t> send(std::string_view method, std::string_view params);
  core::Result<void> notify(std::string_view method, std::string_view params);
  core::Result<Incoming> receive();
  // As receive(), but nullopt when nothing came in time; the connection stays usable.
  core::Result<std::optional<Incoming>> receive_for(std::chrono::milliseconds wait);

  int native_handle() const { return fd_; }  // for poll(2) beside other files

 private:
  explicit BlockingClient(int fd, Options options);
  core::Result<void> write_all(std::string_view bytes);
  core::Result<bool> read_some(std::chrono::milliseconds wait);  // false: nothing came
  core::Result<bool> take_frames();
  core::Error broken(core::Error error);
  int fd_ = -1;
  Options options_;
  FrameParser parser_;
  std::deque<Incoming> incoming_;
  std::uint32_t next_id_ = 1;
};

}  // namespace sluice::rpc
