// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace sluice::cli {

// A TCP connection that carries lines of text. One thread.
class LineSocket {
 public:
  // "HOST:PORT"; tries each address of the name. kUnavailable, kBadRequest.
  static core::Result<LineSocket> connect(const std::string& address,
                                          std::chrono::milliseconds timeout);
  explicit LineSocket(int fd);  // takes it over
  ~LineSocket();
  LineSocket(LineSocket&& other) noexcept;
  LineSocket& operator=(LineSocket&&) = delete;

  int fd() const { return fd_; }
  // Blocks until the kernel has taken all of it, at most 10 s. kUnavailable.
  core::Result<void> send(std::string_view text);
  // What came in within `wait`, as whole lines without their ends; none is fine. kUnavailable: the
  // other end closed, or a line has no end within 64 KiB.
  core::Result<std::vector<std::string>> receive(std::chrono::milliseconds wait);

 private:
  int fd_;
  std::string partial_;
};

// Listens on "ADDRESS:PORT" (":PORT" is every address; port 0 any). Gives the socket and the port.
struct Listener {
  int fd = -1;
  std::uint16_t port = 0;
};
core::Result<Listener> listen_on(const std::string& address);

}  // namespace sluice::cli
