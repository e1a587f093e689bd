// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::hub {

// Which event: by its identity, or by its id.
struct WantedEvent {
  std::optional<core::Identity> identity;
  core::Uuid id;
  // "plant-7.00000000000000aa.telemetry.42", the token "plant-7:00000000000000aa:telemetry:42", or
  // a UUID. kBadRequest: none of these.
  static core::Result<WantedEvent> parse(std::string_view text);
  // When the event was made, as a UUIDv7 says it; nullopt for another.
  std::optional<std::int64_t> made_ns() const;
};

struct TrailLimits {
  std::uint64_t from = 0;  // hub-stream sequence to begin at; 0: where the event may be
  std::chrono::milliseconds time{4'000};
  // Before the time in its id: the hub's clock and the gateway's may differ.
  std::chrono::seconds clock_slack{60};
};

struct FoundMessage {
  std::uint64_t sequence = 0;
  std::int64_t stored_ns = 0;
  std::int64_t clock_ns = 0;  // its header Sluice-Clock
  std::string subject;
  std::string message_id;
  std::string body;
};

struct TrailFound {
  std::optional<FoundMessage> message;  // its first copy at or behind `from`
  std::uint64_t first = 0;              // of the hub stream
  std::uint64_t last = 0;
  std::uint64_t from = 0;  // read from here,
  std::uint64_t to = 0;    // up to here; 0: nothing
  std::uint64_t read = 0;
};

// Looks for an event in a hub stream, which has no index of ids: halves its way to the time in a
// UUIDv7 or to the seq of an identity, and reads on from there until it is found, the end is
// reached, or the time is over. An id without a time is looked for from the first message on.
core::Result<TrailFound> search_trail(nats::Connection& connection, const std::string& hub_stream,
                                      const WantedEvent& wanted, const TrailLimits& limits);

}  // namespace sluice::hub
