// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "projection/gate_types.hpp"

namespace sluice::projection {

// Checks one message of a hub stream: the subject, which permissions confine, says who may have
// sent it; the Nats-Msg-Id and the body must say the same gateway, lane, category, type and seq.
// The answer's views point into `body`; hub_stream, hub_seq and now_ns are left to the caller.
// kBadRequest: subject, Nats-Msg-Id and body disagree; kCorrupt: the body cannot be read;
// kUnsupported: a newer format. Pure; any thread.
core::Result<Arrival> check_message(std::string_view subject, std::string_view msg_id,
                                    std::string_view body);

}  // namespace sluice::projection
