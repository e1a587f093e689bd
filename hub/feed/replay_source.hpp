// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/result.hpp"
#include "hub/feed/model_state.hpp"
#include "projection/engine/engine.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::hub {

// What a replay reads: hub streams, one at a time, in order, from wherever it likes. One thread.
// Errors are those of the hub: kNotFound: no such hub stream; kUnavailable: it is away.
class ReplaySource {
 public:
  virtual ~ReplaySource() = default;
  virtual core::Result<HubStreamFacts> facts(const std::string& hub_stream) = 0;
  // From now on next() gives the messages from this sequence on.
  virtual core::Result<void> seek(const std::string& hub_stream, std::uint64_t from) = 0;
  // A few hundred messages; none: the hub stream has no more just now. They stay until the next
  // call.
  virtual core::Result<std::span<const projection::Incoming>> next() = 0;
};

// Over a NATS login of its own, which it makes at the first question. `subject` narrows what is
// read, behind the shard ("plant-7.>"); empty reads all, which alone is fast on a big hub stream.
std::unique_ptr<ReplaySource> nats_source(nats::ConnectionOptions options,
                                          std::string subject = {});
// The same over a connection that is open already and outlives it.
std::unique_ptr<ReplaySource> nats_source(nats::Connection& connection, std::string subject = {});

}  // namespace sluice::hub
