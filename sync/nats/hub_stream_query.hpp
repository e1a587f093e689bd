// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/result.hpp"
#include "sync/nats/connection.hpp"

// Questions about a hub stream, as raw JetStream requests. For programs at the centre: a gateway is
// granted only STREAM.INFO of its own.
namespace sluice::nats {

// One request to JetStream's API and its answer. kNotFound: the server says 404 (no such hub
// stream, message or consumer); kUnavailable: no answer, or JetStream is not there (yet); any other
// error of the server as kIo with its words and its err_code.
core::Result<core::json::object> api_request(Connection& connection, const std::string& subject,
                                             std::string_view payload,
                                             std::chrono::milliseconds timeout);

struct HubStreamInfo {
  std::string created;      // as the server writes it
  std::uint64_t first = 0;  // sequence of the first message; last + 1 if it is empty
  std::uint64_t last = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};
core::Result<HubStreamInfo> hub_stream_info(Connection& connection, std::string_view hub_stream,
                                            std::chrono::milliseconds timeout);

// The Nats-Msg-Id of the message at a sequence, empty if it has none; nullopt: no message there.
core::Result<std::optional<std::string>> message_id_at(Connection& connection,
                                                       std::string_view hub_stream,
                                                       std::uint64_t sequence,
                                                       std::chrono::milliseconds timeout);

}  // namespace sluice::nats
