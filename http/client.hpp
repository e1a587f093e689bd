// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "http/message.hpp"

namespace sluice::http {

// Where an HTTP server is: "http://127.0.0.1:8080", "127.0.0.1:8080", "unix:/run/sluice/http.sock"
// or an absolute path. No https: over a network put a proxy or a tunnel in between.
struct Endpoint {
  std::string unix_path;  // if not empty, host and port do not count
  std::string host;
  std::uint16_t port = 80;
  static core::Result<Endpoint> parse(std::string_view text);  // kBadRequest
  std::string text() const;
};

// A blocking HTTP/1.1 client that keeps its connection. One thread per object.
class Client {
 public:
  struct Options {
    std::chrono::milliseconds timeout{10'000};  // of the connect, and of each request as a whole
    std::uint64_t body_bytes_max = 64u << 20;   // of an answer
    std::string token = {};                     // bearer token, empty for none
  };

  Client(Endpoint endpoint, Options options);
  explicit Client(Endpoint endpoint);
  Client(Client&&) noexcept;
  ~Client();

  // The answer with any status; kUnavailable if there is none (then it is unknown whether a POST
  // took effect). Nothing is ever sent twice.
  // `target` is a path with its query, already percent-encoded.
  core::Result<Response> get(std::string_view target, const Pairs& headers = {});
  core::Result<Response> post(std::string_view target, std::string_view body,
                              std::string_view content_type = "application/json");

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The error inside a non-2xx answer (the server's document, or the status in words).
core::Error error_of(const Response& response);

}  // namespace sluice::http
