// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::nats {

// Writes a key of a KV bucket only if its revision is still the one that the caller saw (0: there
// is none), as a raw publish to "$KV.<bucket>.<key>". The new revision. kVersionConflict: somebody
// else was first; any other error: whether it was written is not known.
core::Result<std::uint64_t> put_if(Connection& connection, const std::string& subject,
                                   std::string_view value, std::uint64_t expected,
                                   std::chrono::milliseconds timeout);

}  // namespace sluice::nats
