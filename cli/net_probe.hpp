// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/result.hpp"

// The steps before a login, one at a time, so that `doctor` can say at which one it stops.
// Blocking.
namespace sluice::cli {

// Host and port of a NATS URL: "nats://user:pw@hub:4222", "tls://hub", "hub:4222". Port 4222 if it
// names none. kBadRequest.
struct HostPort {
  std::string host;
  std::uint16_t port = 4222;
};
core::Result<HostPort> host_of_url(const std::string& url);

// The addresses of a name, as text. kUnavailable with the resolver's words.
core::Result<std::vector<std::string>> resolve(const std::string& host);

// Connects and waits for the line with which every NATS server begins: INFO and its JSON.
// kUnavailable: nobody listens, or it stays silent; kCorrupt: it is no NATS server.
core::Result<core::json::object> nats_greeting(const HostPort& server,
                                               std::chrono::milliseconds timeout);

}  // namespace sluice::cli
