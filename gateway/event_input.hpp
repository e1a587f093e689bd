// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "core/limits.hpp"
#include "core/result.hpp"
#include "rpc/value.hpp"
#include "storage/types.hpp"

// What a client hands in, to what the log takes. An event is a map with stream, type and data, and
// optionally id (text or 16 bytes), occurred_at (nanoseconds or RFC 3339 text) and expect ("any",
// "none", "exists" or a version). Error::field names the offending one. Pure.
namespace sluice::gateway {

struct InputLimits {
  std::size_t data_bytes = core::limits::kEventBytes;
};

core::Result<storage::NewEvent> event_from_value(const rpc::Value& map, const InputLimits& limits);
core::Result<storage::NewEvent> event_from_json(std::string_view object, const InputLimits& limits);

// The params of the RPC method `append`: [[event, ...]].
core::Result<storage::AppendRequest> request_from_params(const rpc::Value& params,
                                                         const InputLimits& limits);

// What the queue in front of the log holds for it, roughly.
std::size_t cost_bytes(const storage::AppendRequest& request);

}  // namespace sluice::gateway
